import { KFlowError, StoreError } from '../../../lib/errors';
import { Limit } from '../../async/limit';
import type { BulkDecision, BulkLog } from '../../engine/ports/bulk-log';
import type { Sink, SinkRecord, WriteOutcome } from '../../engine/ports/sink';
import { sequencesOf } from '../../engine/sinks/bulk-decisions';
import type { ObjectStoreEndpoint, SinkContext } from '../connector';
import type { BulkFormat } from './bulk-format';
import { ObjectKeys } from './object-keys';

/** Records that are read again concurrently. */
const maxReads = 16;

/**
 * Writes bulks, each as one object: the records of one input with one schema.
 *
 * I1. A bulk is decided in the log before its object is written, and the object has exactly the records of the decision, also when
 *     another replica writes it. A record is in one decision, and so in one object: no crash repeats it in another one.
 * I2. The key names the first sequence of the decision, which no other decision has. The same decision gives the same bytes.
 * I3. A record is stored when its object is, and when the log says so: a later delivery writes nothing. The first delivery in
 *     another epoch writes the object again, if the stream still has all of its records.
 * I4. A store that fails decides about no record.
 */
export class BulkObjects implements Sink {
  readonly batchSize: number;
  readonly concurrentWrites = 2;
  private readonly keys: ObjectKeys;
  private readonly epoch: number;
  private readonly reads = new Limit(maxReads);
  /** Objects that are being written: two writes may have records of one decision. */
  private readonly completions = new Map<number, Promise<void>>();

  constructor(
    private readonly context: SinkContext<ObjectStoreEndpoint>,
    private readonly format: BulkFormat,
    private readonly log: BulkLog,
  ) {
    this.keys = new ObjectKeys(context);
    this.epoch = context.spec.epoch ?? 0;
    this.batchSize = context.spec.bulk?.flushSize ?? 1;
  }

  async write(records: readonly SinkRecord[]): Promise<readonly WriteOutcome[]> {
    const outcomes = new Map<SinkRecord, WriteOutcome>();
    await Promise.all(
      groupsOf(records).map(async (group) => {
        const outcome = await this.outcomeOf(group);
        for (const record of group) outcomes.set(record, outcome);
      }),
    );
    return records.map((record) => outcomes.get(record) ?? { is: 'later', error: new Error('not written') });
  }

  async close(): Promise<void> {}

  /** The outcome of records of one input with one schema. */
  private async outcomeOf(group: readonly SinkRecord[]): Promise<WriteOutcome> {
    try {
      await this.writeGroup(group);
      return { is: 'stored' };
    } catch (cause) {
      const error = cause instanceof KFlowError ? cause : new StoreError('store-failed', String(cause), { cause });
      return { is: 'later', error }; // I4
    }
  }

  private async writeGroup(group: readonly SinkRecord[]): Promise<void> {
    for (let open = group; ; ) {
      const decided = new Set(open.map(({ origin }) => this.log.of(origin)));
      for (const decision of decided) if (decision !== undefined) await this.complete(decision, group);
      open = open.filter(({ origin }) => this.log.of(origin) === undefined);
      const [first] = open;
      if (first === undefined) return;
      const decision = await this.log.decide({
        input: first.origin.input,
        key: this.keys.of(first.origin, this.format.extension), // I2
        sequences: open.map(({ origin }) => origin.sequence),
      });
      if (decision === undefined) continue; // another replica has decided about some of them
      await this.complete(decision, group);
      return;
    }
  }

  private complete(decision: BulkDecision, given: readonly SinkRecord[]): Promise<void> {
    if (decision.writtenIn !== undefined && decision.writtenIn >= this.epoch) return Promise.resolve(); // I3
    const running = this.completions.get(decision.number);
    if (running !== undefined) return running;
    const completion = this.writeObject(decision, given).finally(() => this.completions.delete(decision.number));
    this.completions.set(decision.number, completion);
    return completion;
  }

  private async writeObject(decision: BulkDecision, given: readonly SinkRecord[]): Promise<void> {
    const { input, key, ranges, writtenIn } = decision;
    const held = new Map(given.map((record) => [record.origin.sequence, record]));
    const sequences = sequencesOf(ranges);
    const found = await this.reads.map(
      sequences,
      async (sequence) => held.get(sequence) ?? (await this.context.readAgain({ input, sequence })),
    );
    const records = found.filter((record) => record !== undefined);
    const isWhole = records.length === sequences.length;
    // a rewritten object must not lose records that the stream no longer has
    if (records.length > 0 && (isWhole || writtenIn === undefined)) {
      const { contentType } = this.format;
      const body = await this.format.encode(records);
      await this.context.endpoint.store.put(this.keys.bucket, key, body, contentType);
    }
    await this.log.written(decision, this.epoch); // I3
  }
}

/** Records by input and schema, each group in the order of its sequences. */
function groupsOf(records: readonly SinkRecord[]): readonly (readonly SinkRecord[])[] {
  const groups = new Map<string, SinkRecord[]>();
  for (const record of records) {
    const name = `${record.origin.input} ${record.schema.fingerprint}`;
    const group = groups.get(name) ?? [];
    groups.set(name, group);
    group.push(record);
  }
  return [...groups.values()].map((group) => group.sort((one, other) => one.origin.sequence - other.origin.sequence));
}
