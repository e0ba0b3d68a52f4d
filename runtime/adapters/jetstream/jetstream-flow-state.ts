import { type JetStreamManager, type KV, type NatsConnection, NatsError } from 'nats';
import type { FlowState, ListedObjects, Part, SourcePosition, Writer } from '../../engine/ports/flow-state';
import type { Publisher } from '../../engine/ports/publisher';
import { KvListedObjects } from './kv-listed-objects';
import { quickRequests, retryRequest } from './retry-request';

/**
 * A flow's state in a KV bucket: `run`, `completed.N`, and of a run N `ended.N.<function>`, `sealed.N.<stream>`,
 * `ended.N.<function>.<replica>`, `listed.N.…`, `position.N.…`.
 *
 * I1. Values are read at the leader of the bucket's stream: from a copy that lags, two replicas that end at once could
 *     each miss the other's mark.
 * I2. `ended.N.<function>` is written when the function's streams are sealed, not before.
 */
export class JetStreamFlowState implements FlowState {
  private constructor(
    private readonly manager: JetStreamManager,
    private readonly bucket: KV,
    private readonly name: string,
  ) {}

  /** Makes the bucket when it is missing. */
  static async open(connection: NatsConnection, bucket: string): Promise<JetStreamFlowState> {
    await retryRequest(() => connection.jetstream().views.kv(bucket));
    return JetStreamFlowState.of(connection, bucket);
  }

  /** The state in a bucket that is there; asks the server nothing. */
  static async of(connection: NatsConnection, bucket: string): Promise<JetStreamFlowState> {
    const manager = await connection.jetstreamManager(quickRequests);
    // bound like this, it asks the leader (I1)
    const kv = await connection.jetstream(quickRequests).views.kv(bucket, { bindOnly: true });
    return new JetStreamFlowState(manager, kv, bucket);
  }

  async run(): Promise<number> {
    return (await this.number('run')) ?? 1;
  }

  /** The run to work on: the current one when it has not completed, else a new one. */
  async beginRun(): Promise<number> {
    const current = await this.number('run');
    if (current !== undefined && (await this.number(`completed.${current}`)) === undefined) return current;
    const run = (current ?? 0) + 1;
    if (current !== undefined) await this.forget(current);
    await this.put('run', String(run));
    return run;
  }

  async markCompleted(run: number): Promise<void> {
    await this.put(`completed.${run}`, '1');
  }

  async markPartEnded(writer: Writer, { replica, replicas }: Part): Promise<void> {
    const run = await this.run();
    await this.put(`ended.${run}.${writer.function}.${replica}`, JSON.stringify({ replicas }));
    await this.sealIfAllEnded(run, writer, replicas);
  }

  async markEnded(writer: Writer): Promise<void> {
    await this.seal(await this.run(), writer);
  }

  async hasEnded(writer: Writer, { replica, replicas }: Part): Promise<boolean> {
    const run = await this.run();
    if ((await this.text(`ended.${run}.${writer.function}`)) !== undefined) return true;
    const seals = await Promise.all(writer.streams.map((stream) => this.number(`sealed.${run}.${stream}`)));
    if (seals.some((sequence) => sequence !== undefined)) {
      await this.seal(run, writer); // killed between two seals, or before the note
      return true;
    }
    if (!(await this.isPartEnded(`ended.${run}.${writer.function}.${replica}`, replicas))) return false;
    await this.sealIfAllEnded(run, writer, replicas);
    return true;
  }

  /** Functions that have ended in the current run, their streams sealed. */
  async endedFunctions(): Promise<readonly string[]> {
    const prefix = this.subjectOf(`ended.${await this.run()}.`);
    const filter = { subjects_filter: `${prefix}*` };
    const { state } = await retryRequest(() => this.manager.streams.info(`KV_${this.name}`, filter));
    return Object.keys(state.subjects ?? {}).map((subject) => subject.slice(prefix.length));
  }

  /** Forgets that writers have ended in the current run. None of their replicas may be at work. */
  async reopen(writers: readonly Writer[]): Promise<void> {
    const run = await this.run();
    await this.purge(writers.map((writer) => `ended.${run}.${writer.function}`)); // I2, backwards
    const seals = writers.flatMap(({ streams }) => streams.map((stream) => `sealed.${run}.${stream}`));
    await this.purge([...seals, ...writers.map((writer) => `ended.${run}.${writer.function}.>`)]);
  }

  async sealedAt(stream: string): Promise<number | undefined> {
    return this.number(`sealed.${await this.run()}.${stream}`);
  }

  /** `ever` keeps the list over runs: the source's checkpoint. */
  async listed(source: string, ever: boolean, publisher: Publisher): Promise<ListedObjects> {
    const scope = ever ? 'ever' : String(await this.run());
    const prefix = `listed.${scope}.${source}.`;
    const versions = new Map<string, string>();
    const entries = await retryRequest(() => this.bucket.history({ key: `${prefix}>` }));
    for await (const entry of entries) versions.set(entry.key.slice(prefix.length), entry.string());
    return new KvListedObjects(this.subjectOf(prefix), versions, publisher);
  }

  /** Where a replica's generator goes on after a restart. */
  async position(source: string, replica: number, publisher: Publisher): Promise<SourcePosition> {
    const key = `position.${await this.run()}.${source}.${replica}`;
    const subject = this.subjectOf(key);
    const save = (stored: number) => {
      const payload = Buffer.from(String(stored));
      publisher.publish({ subject, id: `${subject}:${stored}`, payload }, () => undefined); // not kept: repeats are dropped by id
    };
    return { start: (await this.number(key)) ?? 0, save };
  }

  private subjectOf(key: string): string {
    return `$KV.${this.name}.${key}`;
  }

  private async put(key: string, value: string): Promise<void> {
    await retryRequest(() => this.bucket.put(key, value));
  }

  private async text(key: string): Promise<string | undefined> {
    const entry = await retryRequest(() => this.bucket.get(key));
    return entry === null || entry.operation !== 'PUT' ? undefined : entry.string();
  }

  private async number(key: string): Promise<number | undefined> {
    const text = await this.text(key);
    return text === undefined ? undefined : Number(text);
  }

  private async isPartEnded(key: string, replicas: number): Promise<boolean> {
    const text = await this.text(key);
    return text !== undefined && (JSON.parse(text) as Pick<Part, 'replicas'>).replicas === replicas;
  }

  private async sealIfAllEnded(run: number, writer: Writer, replicas: number): Promise<void> {
    for (let replica = 0; replica < replicas; replica++) {
      if (!(await this.isPartEnded(`ended.${run}.${writer.function}.${replica}`, replicas))) return;
    }
    await this.seal(run, writer);
  }

  private async seal(run: number, writer: Writer): Promise<void> {
    for (const stream of writer.streams) {
      if ((await this.number(`sealed.${run}.${stream}`)) !== undefined) continue;
      const { state } = await retryRequest(() => this.manager.streams.info(stream));
      await this.sealStream(`sealed.${run}.${stream}`, state.last_seq);
    }
    await this.put(`ended.${run}.${writer.function}`, '1');
  }

  /** The first seal holds: two replicas that end at once read the same last sequence. */
  private async sealStream(key: string, sequence: number): Promise<void> {
    try {
      await retryRequest(() => this.bucket.create(key, String(sequence)));
    } catch (error) {
      if (!(error instanceof NatsError) || (await this.number(key)) === undefined) throw error;
    }
  }

  private async forget(run: number): Promise<void> {
    await this.purge(['ended', 'sealed', 'listed', 'position'].map((kind) => `${kind}.${run}.>`));
  }

  private async purge(keys: readonly string[]): Promise<void> {
    const purge = (key: string) => this.manager.streams.purge(`KV_${this.name}`, { filter: this.subjectOf(key) });
    await Promise.all(keys.map((key) => retryRequest(() => purge(key))));
  }
}
