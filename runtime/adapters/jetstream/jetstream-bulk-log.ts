import { randomUUID } from 'node:crypto';
import type { KV, NatsConnection } from 'nats';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { Limit } from '../../async/limit';
import type { BulkDecision, BulkLog } from '../../engine/ports/bulk-log';
import { BulkDecisions, rangesOf } from '../../engine/sinks/bulk-decisions';
import { jetStreamOf, managerOf } from './access/jetstream-api';
import { writeIfUnchanged } from './access/write-if-unchanged';
import { ignoreMissing, quickRequests, retryRequest } from './retry-request';

/** Whoever has not read the log for this long reads it before a decision. */
const staleMs = 60_000;
/** Decisions between two looks for those that no stream needs any more. */
const pruneEvery = 100;
/** A decision that is known for this long may be removed: see J2. Longer than `staleMs` and the retries of a request. */
const removableMs = 600_000;

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
 * J2. A decision is removed only when every replica knows it or has to read the whole log before it decides. So the last one
 *     is never removed, and the numbers of removed ones are not used again.
 */
export class JetStreamBulkLog implements BulkLog {
  private readonly decisions = new BulkDecisions();
  private readonly known = new Map<number, { readonly stored: Stored; readonly sinceMs: number }>();
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
    await log.readAll();
    return log;
  }

  of(origin: { readonly input: number; readonly sequence: number }): BulkDecision | undefined {
    return this.decisions.of(origin);
  }

  decide({ input, key, sequences }: Parameters<BulkLog['decide']>[0]): Promise<BulkDecision | undefined> {
    return this.oneAtATime.run(async () => {
      if (performance.now() - this.readAtMs > staleMs && (await this.readAll())) return undefined;
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
    const known = this.known.get(number);
    if (known === undefined) return;
    const text = JSON.stringify({ ...known.stored, writtenIn: epoch });
    await retryRequest(() => this.bucket.put(this.keyOf(number), text));
    this.add(number, text);
  }

  /** Reads every decision; true if there are any after the last known one. */
  private async readAll(): Promise<boolean> {
    const before = this.head;
    const entries = await retryRequest(() => this.bucket.history({ key: this.keyOf('>') }));
    for await (const entry of entries) {
      if (entry.operation === 'PUT') this.add(Number(entry.key.split('.').at(-1)), entry.string());
    }
    await this.readNext();
    return this.head > before;
  }

  /** Reads the decisions after the last known one, of which none is removed yet (J2). */
  private async readNext(): Promise<void> {
    this.readAtMs = performance.now();
    for (;;) {
      const entry = await retryRequest(() => this.bucket.get(this.keyOf(this.head + 1)));
      if (entry?.operation !== 'PUT') return;
      this.add(this.head + 1, entry.string());
    }
  }

  private add(number: number, text: string): void {
    const stored = JSON.parse(text) as Stored;
    this.head = Math.max(this.head, number);
    const input = this.streams.indexOf(stored.stream);
    this.known.set(number, { stored, sinceMs: this.known.get(number)?.sinceMs ?? performance.now() });
    if (input < 0) return; // of a stream that was recreated since
    const { key, ranges, writtenIn } = stored;
    this.decisions.add({ number, input, key, ranges, ...(writtenIn === undefined ? {} : { writtenIn }) });
  }

  /** Removes the decisions of which no stream has a record (J2). */
  private async prune(): Promise<void> {
    if (--this.untilPrune > 0) return;
    this.untilPrune = pruneEvery;
    const { connection, spec } = this.props;
    const manager = await managerOf(connection, quickRequests);
    const firsts = await Promise.all(
      spec.inputs.map(async ({ stream }) => (await retryRequest(() => manager.streams.info(stream))).state.first_seq),
    );
    for (const [number, known] of [...this.known]) {
      const { stream, ranges } = known.stored;
      const first = firsts[this.streams.indexOf(stream)];
      const isNeeded = first !== undefined && (ranges.at(-1)?.[1] ?? 0) >= first;
      if (isNeeded || performance.now() - known.sinceMs < removableMs) continue;
      const filter = `$KV.${spec.stateBucket}.${this.keyOf(number)}`;
      await ignoreMissing(retryRequest(() => manager.streams.purge(`KV_${spec.stateBucket}`, { filter })));
      this.decisions.remove(number);
      this.known.delete(number);
    }
  }

  private keyOf(number: number | '>'): string {
    return `bulk.${this.props.spec.function}.${number}`;
  }
}
