import { randomUUID } from 'node:crypto';
import type { KV, NatsConnection } from 'nats';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { Limit } from '../../async/limit';
import { BulkDecisions, rangesOf } from '../../engine/bulk-decisions';
import type { BulkDecision, BulkLog } from '../../engine/ports/bulk-log';
import { jetStreamOf, managerOf } from './access/jetstream-api';
import { writeIfUnchanged } from './access/write-if-unchanged';
import { ignoreMissing, quickRequests, retryRequest } from './retry-request';

/** Whoever has not read the log for this long reads it before a decision. */
const staleMs = 60_000;
/** Decisions between two looks for those that no stream needs any more. */
const pruneEvery = 100;

/** A decision as it is stored. */
interface Stored {
  /** Stream and creation time: a recreated stream counts from 1 again. */
  readonly stream: string;
  readonly key: string;
  readonly ranges: BulkDecision['ranges'];
  readonly writtenIn?: number;
  /** Identifies the decision: of two replicas that store the same number, one reads the other's. */
  readonly token: string;
}

interface LogProps {
  readonly connection: NatsConnection;
  readonly spec: Pick<FunctionSpec, 'function' | 'inputs' | 'stateBucket'>;
  readonly inputsCreated: readonly Date[];
}

/**
 * The bulk log of a sink in the flow's state: the keys `bulk.<function>.1`, `bulk.<function>.2`, ...
 *
 * J1. A number is created once, and only by who knows every decision before it: two replicas cannot decide about the same record.
 * J2. The last decision is never removed, so that the numbers of removed ones are not used again.
 */
export class JetStreamBulkLog implements BulkLog {
  private readonly decisions = new BulkDecisions();
  private readonly stored = new Map<number, Stored>();
  /** Number of the last known decision. */
  private head = 0;
  private readAtMs = 0;
  private untilPrune = pruneEvery;
  private readonly oneAtATime = new Limit(1);
  private readonly streams: readonly string[];

  private constructor(
    private readonly props: LogProps,
    private readonly bucket: KV,
  ) {
    this.streams = props.spec.inputs.map(
      ({ stream }, index) => `${stream} ${props.inputsCreated[index]?.toISOString() ?? ''}`,
    );
  }

  static async open(props: LogProps): Promise<JetStreamBulkLog> {
    const { connection, spec } = props;
    // with bindOnly, reads go to the leader
    const bucket = await jetStreamOf(connection, quickRequests).views.kv(spec.stateBucket, { bindOnly: true });
    const log = new JetStreamBulkLog(props, bucket);
    const entries = await retryRequest(() => bucket.history({ key: `bulk.${spec.function}.>` }));
    for await (const { key, string } of entriesOf(entries)) log.add(Number(key.split('.').at(-1)), string);
    await log.readNext();
    return log;
  }

  of(origin: { readonly input: number; readonly sequence: number }): BulkDecision | undefined {
    return this.decisions.of(origin);
  }

  decide({ input, key, sequences }: Parameters<BulkLog['decide']>[0]): Promise<BulkDecision | undefined> {
    return this.oneAtATime.run(async () => {
      if (performance.now() - this.readAtMs > staleMs && (await this.readNext())) return undefined;
      const stored = { stream: this.streams[input] ?? '', key, ranges: rangesOf(sequences), token: randomUUID() };
      const write = { key: this.keyOf(this.head + 1), value: JSON.stringify(stored), revision: 0 };
      if (!(await retryRequest(() => writeIfUnchanged(this.bucket, write)))) {
        await this.readNext(); // J1
        return undefined;
      }
      this.add(this.head + 1, write.value);
      await this.prune();
      return this.decisions.of({ input, sequence: sequences[0] ?? 0 });
    });
  }

  async written(decision: BulkDecision, epoch: number): Promise<void> {
    const { number } = decision;
    const stored = this.stored.get(number);
    if (stored === undefined) return;
    const text = JSON.stringify({ ...stored, writtenIn: epoch });
    await retryRequest(() => this.bucket.put(this.keyOf(number), text));
    this.add(number, text);
  }

  /** Reads the decisions after the last known one; true if there are any. */
  private async readNext(): Promise<boolean> {
    const before = this.head;
    this.readAtMs = performance.now();
    for (;;) {
      const text = await this.read(this.head + 1);
      if (text === undefined) return this.head > before;
      this.add(this.head + 1, text);
    }
  }

  private async read(number: number): Promise<string | undefined> {
    const entry = await retryRequest(() => this.bucket.get(this.keyOf(number)));
    return entry === null || entry.operation !== 'PUT' ? undefined : entry.string();
  }

  private add(number: number, text: string): void {
    const stored = JSON.parse(text) as Stored;
    this.head = Math.max(this.head, number);
    const input = this.streams.indexOf(stored.stream);
    this.stored.set(number, stored);
    if (input < 0) return; // of a stream that was recreated since
    const { key, ranges, writtenIn } = stored;
    this.decisions.add({ number, input, key, ranges, ...(writtenIn === undefined ? {} : { writtenIn }) });
  }

  /** Removes the decisions of which no stream has a record, except for the last one (J2). */
  private async prune(): Promise<void> {
    if (--this.untilPrune > 0) return;
    this.untilPrune = pruneEvery;
    const { connection, spec } = this.props;
    const manager = await managerOf(connection, quickRequests);
    const firsts = await Promise.all(
      spec.inputs.map(async ({ stream }) => (await retryRequest(() => manager.streams.info(stream))).state.first_seq),
    );
    for (const [number, { stream, ranges }] of [...this.stored]) {
      const first = firsts[this.streams.indexOf(stream)];
      const isNeeded = first !== undefined && (ranges.at(-1)?.[1] ?? 0) >= first;
      if (isNeeded || number === this.head) continue;
      const filter = `$KV.${spec.stateBucket}.${this.keyOf(number)}`;
      await ignoreMissing(retryRequest(() => manager.streams.purge(`KV_${spec.stateBucket}`, { filter })));
      this.decisions.remove(number);
      this.stored.delete(number);
    }
  }

  private keyOf(number: number): string {
    return `bulk.${this.props.spec.function}.${number}`;
  }
}

async function* entriesOf(
  entries: AsyncIterable<{ readonly key: string; readonly operation: string; string(): string }>,
): AsyncIterable<{ readonly key: string; readonly string: string }> {
  for await (const entry of entries) if (entry.operation === 'PUT') yield { key: entry.key, string: entry.string() };
}
