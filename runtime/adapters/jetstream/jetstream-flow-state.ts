import type { JetStreamManager, KV, NatsConnection } from 'nats';
import { ConfigError } from '../../../lib/errors';
import type { FlowState, ListingNotes, Part, SourcePosition, Writer } from '../../engine/ports/flow-state';
import type { Publisher } from '../../engine/ports/publisher';
import { jetStreamOf, managerOf, valueSubject } from './access/jetstream-api';
import { writeIfUnchanged } from './access/write-if-unchanged';
import { JetStreamListingNotes } from './listing-notes';
import { ignoreMissing, quickRequests, retryRequest } from './retry-request';

/**
 * The state of a flow in a KV bucket: `run`, `completed.N`, and for a run N `ended.N.<function>`, `sealed.N.<stream>`,
 * `ended.N.<function>.<replica>`, `listed.N.…`, `position.N.…`, `letters.N` (the last dead letter of the runs before),
 * and `flush` (written at each request to sinks to write the bulks that wait), `bulk.<function>.…` (`JetStreamBulkLog`) and
 * `group.<function>` (`JetStreamGroupLog`). Beside them are the notes of others: `schema.…`, `drift.…`, `attempt.…` and `redrive.…`.
 *
 * I1. Values are read from the leader of the bucket's stream: with a lagging copy, two replicas that end at the same time
 *     could each miss the other's mark.
 * I2. `ended.N.<function>` is written only after the function's streams are sealed.
 * I3. A process that entered a run marks and notes in that run only, also after the flow has gone on to a later one.
 */
export class JetStreamFlowState implements FlowState {
  /** The run of this process; undefined: the current one. */
  private ownRun: number | undefined;

  private constructor(
    private readonly connection: NatsConnection,
    private readonly manager: JetStreamManager,
    private readonly bucket: KV,
    private readonly name: string,
  ) {}

  /** Creates the bucket if it does not exist. */
  static async open(connection: NatsConnection, bucket: string): Promise<JetStreamFlowState> {
    await retryRequest(() => jetStreamOf(connection).views.kv(bucket));
    return JetStreamFlowState.of(connection, bucket);
  }

  /** The state in an existing bucket; sends no request. */
  static async of(connection: NatsConnection, bucket: string): Promise<JetStreamFlowState> {
    const manager = await managerOf(connection, quickRequests);
    // with bindOnly, reads go to the leader (I1)
    const kv = await jetStreamOf(connection, quickRequests).views.kv(bucket, { bindOnly: true });
    return new JetStreamFlowState(connection, manager, kv, bucket);
  }

  async run(): Promise<number> {
    return this.ownRun ?? this.currentRun();
  }

  /**
   * Begins a run if the flow is in an earlier one, and keeps to it. The first caller begins the run for all. Throws
   * ConfigError if the flow is in a later run.
   */
  async enterRun(run: number, deadLetters: string): Promise<void> {
    for (;;) {
      const entry = await retryRequest(() => this.bucket.get('run'));
      const current = entry === null || entry.operation !== 'PUT' ? 1 : Number(entry.string());
      if (current > run) throw runIsOver(run, current);
      this.ownRun = run;
      if (current === run || (await this.beginAfter(current, run, { deadLetters, revision: entry?.revision ?? 0 })))
        return;
    }
  }

  /** Keeps to the current run, also when somebody begins the next one. */
  async keepRun(): Promise<void> {
    this.ownRun = await this.currentRun();
  }

  /** Whether the flow is in a later run than this process. */
  async isRunOver(): Promise<boolean> {
    return this.ownRun !== undefined && (await this.currentRun()) > this.ownRun;
  }

  /** The current run if it has not completed, else a new run, to which none of the stored dead letters belongs. */
  async beginRun(deadLetters?: string): Promise<number> {
    const current = await this.number('run');
    if (current !== undefined && (await this.number(`completed.${current}`)) === undefined) return current;
    const run = (current ?? 0) + 1;
    if (current !== undefined) {
      await this.purgeRun(current);
      if (deadLetters !== undefined) await this.put(`letters.${run}`, String(await this.lastOf(deadLetters)));
    }
    await this.put('run', String(run));
    return run;
  }

  /** The current run, which goes on if it has completed. */
  async continueRun(): Promise<number> {
    const run = await this.currentRun();
    await this.purge([`completed.${run}`]);
    return run;
  }

  /** False if another process changed the run at the same time. */
  private async beginAfter(
    current: number,
    run: number,
    { deadLetters, revision }: { readonly deadLetters: string; readonly revision: number },
  ): Promise<boolean> {
    // the first note counts: a later one could take letters of the new run for old ones
    await this.createOnce(`letters.${run}`, String(await this.lastOf(deadLetters)));
    const hasBegun = await this.writeIfUnchanged('run', String(run), revision);
    if (hasBegun) await this.purgeRun(current);
    return hasBegun;
  }

  /** Removes the notes of what was changed from outside. */
  async forgetDrifts(): Promise<void> {
    await this.purge(['drift.>']);
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
    await this.seal(await this.run(), writer, { isAgain: true });
  }

  async hasEnded(writer: Writer, { replica, replicas }: Part): Promise<boolean> {
    const run = await this.run();
    if ((await this.text(`ended.${run}.${writer.function}`)) !== undefined) return true;
    const seals = await Promise.all(writer.streams.map((stream) => this.number(`sealed.${run}.${stream}`)));
    if (seals.some((sequence) => sequence !== undefined)) {
      await this.seal(run, writer); // the replica was killed between two seals, or before the mark
      return true;
    }
    if (!(await this.isPartEnded(`ended.${run}.${writer.function}.${replica}`, replicas))) return false;
    await this.sealIfAllEnded(run, writer, replicas);
    return true;
  }

  /** Functions that have ended in the current run; their streams are sealed. */
  async endedFunctions(): Promise<readonly string[]> {
    const prefix = this.subjectOf(`ended.${await this.run()}.`);
    const filter = { subjects_filter: `${prefix}*` };
    const { state } = await retryRequest(() => this.manager.streams.info(`KV_${this.name}`, filter));
    return Object.keys(state.subjects ?? {}).map((subject) => subject.slice(prefix.length));
  }

  /** Removes the marks and seals of writers in the current run. None of their replicas may be running. */
  async reopen(writers: readonly Writer[]): Promise<void> {
    const run = await this.run();
    await this.purge(writers.map((writer) => `ended.${run}.${writer.function}`)); // I2, in reverse
    const seals = writers.flatMap(({ streams }) => streams.map((stream) => `sealed.${run}.${stream}`));
    const parts = writers.flatMap((writer) => ['ended', 'state'].map((kind) => `${kind}.${run}.${writer.function}.>`));
    await this.purge([...seals, ...parts]);
  }

  /**
   * Removes the marks and seals of these functions and of all behind them, as far as they have ended, so that they can run again
   * at the same time. Returns them, those in front first.
   */
  async reopenBehind(functions: readonly string[]): Promise<readonly string[]> {
    const run = await this.run();
    const marks = await Promise.all((await this.endedFunctions()).map((id) => this.text(`ended.${run}.${id}`)));
    const ended = marks.flatMap((text) => (text === undefined ? [] : [JSON.parse(text) as Writer]));
    const found = ended.filter((writer) => functions.includes(writer.function));
    for (const { streams } of found) {
      const isBehind = ({ inputs = [] }: Writer) => inputs.some((stream) => streams.includes(stream));
      found.push(...ended.filter((writer) => isBehind(writer) && !found.includes(writer))); // the loop visits them, too
    }
    await this.reopen(found);
    return found.map((writer) => writer.function);
  }

  async notedStates(functionId: string): Promise<readonly number[]> {
    const prefix = this.subjectOf(`state.${await this.run()}.${functionId}.`);
    const filter = { subjects_filter: `${prefix}*` };
    const { state } = await retryRequest(() => this.manager.streams.info(`KV_${this.name}`, filter));
    return Object.keys(state.subjects ?? {}).map((subject) => Number(subject.slice(prefix.length)));
  }

  async noteState(functionId: string, replica: number): Promise<void> {
    await this.put(`state.${await this.run()}.${functionId}.${replica}`, '1');
  }

  async clearState(functionId: string, replica: number): Promise<void> {
    await this.purge([`state.${await this.run()}.${functionId}.${replica}`]);
  }

  /** Asks sinks to write the bulks that wait. */
  async requestFlush(): Promise<void> {
    await this.put('flush', '1');
  }

  async flushRequests(): Promise<number> {
    const entry = await retryRequest(() => this.bucket.get('flush'));
    return entry?.revision ?? 0;
  }

  async sealedAt(stream: string): Promise<number | undefined> {
    return this.number(`sealed.${await this.run()}.${stream}`);
  }

  /** Seals the stream that replaces a sealed one of the current run; a stream that is not sealed stays so. */
  async reseal(stream: string, lastSequence: number): Promise<void> {
    const key = `sealed.${await this.run()}.${stream}`;
    const sealedAt = await this.number(key);
    if (sealedAt !== undefined && sealedAt !== lastSequence) await this.put(key, String(lastSequence));
  }

  /** What a part of a source has noted of its listing; with `ever`, it is kept across runs: the source's checkpoint. */
  async listing(
    source: string,
    part: Part,
    { ever, publisher }: { readonly ever: boolean; readonly publisher: Publisher },
  ): Promise<ListingNotes> {
    const { connection, manager, bucket, name } = this;
    const prefix = `listed.${ever ? 'ever' : await this.run()}.${source}`;
    return new JetStreamListingNotes({ connection, manager, bucket, name, prefix, part, publisher });
  }

  /** The position at which a replica's generator continues after a restart. */
  async position(source: string, replica: number, publisher: Publisher): Promise<SourcePosition> {
    const key = `position.${await this.run()}.${source}.${replica}`;
    const subject = valueSubject(this.connection, this.name, key);
    const save = (stored: number) => {
      const payload = Buffer.from(String(stored));
      publisher.publish({ subject, id: `${subject}:${stored}`, payload }, () => undefined); // on failure, a restart repeats records, which the stream drops by id
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

  /** 0 when the stream does not exist. */
  private async lastOf(stream: string): Promise<number> {
    const info = await ignoreMissing(retryRequest(() => this.manager.streams.info(stream)));
    return info?.state.last_seq ?? 0;
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

  /** With `isAgain`, the writer may have ended before: it ran again for redriven letters, and has written more. */
  private async seal(run: number, writer: Writer, { isAgain = false } = {}): Promise<void> {
    for (const stream of writer.streams) {
      const key = `sealed.${run}.${stream}`;
      const sealedAt = await this.number(key);
      const { state } = await retryRequest(() => this.manager.streams.info(stream));
      // the first seal wins: two replicas that end at the same time read the same last sequence
      if (sealedAt === undefined) await this.createOnce(key, String(state.last_seq));
      else if (isAgain && state.last_seq > sealedAt) await this.put(key, String(state.last_seq));
    }
    await this.put(`ended.${run}.${writer.function}`, JSON.stringify(writer));
  }

  /** The first value of a key stays. */
  private async createOnce(key: string, value: string): Promise<void> {
    await this.writeIfUnchanged(key, value, 0);
  }

  private async writeIfUnchanged(key: string, value: string, revision: number): Promise<boolean> {
    const written = await retryRequest(() => writeIfUnchanged(this.bucket, { key, value, revision }));
    return written !== undefined;
  }

  private async currentRun(): Promise<number> {
    return (await this.number('run')) ?? 1;
  }

  private async purgeRun(run: number): Promise<void> {
    await this.purge([
      ...['ended', 'sealed', 'state', 'listed', 'position'].map((kind) => `${kind}.${run}.>`),
      `letters.${run}`,
      'drift.>',
    ]);
  }

  private async purge(keys: readonly string[]): Promise<void> {
    const purge = (key: string) => this.manager.streams.purge(`KV_${this.name}`, { filter: this.subjectOf(key) });
    await Promise.all(keys.map((key) => retryRequest(() => purge(key))));
  }
}

function runIsOver(run: number, current: number): ConfigError {
  const message = `run: the flow is in run ${current}, and run ${run} is over; set "run: ${current}" to continue it, or a higher number to process the input again`;
  return new ConfigError('config-invalid', message);
}
