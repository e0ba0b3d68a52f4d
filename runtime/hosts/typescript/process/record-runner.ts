import { AsyncLocalStorage } from 'node:async_hooks';
import { Entry } from '../../framing/frames';
import { failureOf, lineOf } from './failure';
import type { ReceivedRecord } from './frames';
import type { FunctionLog } from './function-log';
import type { EntryFunction } from './load';
import type { Outbox, OutcomeEntry } from './outbox';
import { isThenable } from './output-encoder';
import { type ContextSource, contextOf } from './record-context';
import { RecordOutputs } from './record-outputs';
import { RunningRecord } from './running-record';
import type { Schemas } from './schemas';
import type { Window } from './window';

export interface RunnerOptions {
  readonly entry: EntryFunction;
  readonly finish: EntryFunction | undefined;
  readonly concurrency: number;
  /** Whether the function gets a queue for its outputs. */
  readonly isStreaming: boolean;
  readonly context: ContextSource;
  readonly schemas: Schemas;
  readonly outbox: Outbox;
  readonly window: Window;
  readonly log: FunctionLog;
}

/** Records that may begin before sockets and timers get their turn, and how long they may take together. */
const maxTurns = 64;
const maxTurnsMs = 10;
/** How long outcomes are gathered into one frame. */
const maxGatherMs = 2;

/** A request of acks, in the order of the outcomes. */
interface AckRequest {
  readonly requestedBy: number;
}

/**
 * Runs a process function over records, in the order in which they arrived. A synchronous function finishes one record
 * before the next begins; an asynchronous one processes up to `concurrency` at once.
 *
 * R1. Each record begins in a turn of its own (setImmediate), after the outcomes decided before it were handed to the outbox,
 *     which sends them although the function never returns. So the first records without an outcome are those that run.
 * R2. An outcome is sent one turn after it was decided: by then, Node has reported the promises that were rejected meanwhile.
 */
export class RecordRunner {
  private queue: ReceivedRecord[] = [];
  private head = 0;
  private readonly active = new Set<RunningRecord>();
  private decided: (RunningRecord | AckRequest)[] = [];
  /** Asynchronous records that have not been decided. */
  private busy = 0;
  private hasBeenAsync = false;
  /** Turns that are scheduled and have not come. */
  private turns = 0;
  private turnsEndMs: number | undefined;
  /** When outcomes were sent last. */
  private sentMs = 0;
  private whenIdle: (() => void) | undefined;
  private readonly scope = new AsyncLocalStorage<RunningRecord>();

  private readonly outputs: RecordOutputs;

  constructor(private readonly options: RunnerOptions) {
    this.outputs = new RecordOutputs(options);
  }

  add(records: readonly ReceivedRecord[]): void {
    this.queue = this.head === 0 ? this.queue : this.queue.slice(this.head);
    this.head = 0;
    for (const record of records) this.queue.push(record);
    this.schedule();
  }

  /** The record in whose asynchronous context the caller runs, or the only one that runs. */
  get current(): RunningRecord | undefined {
    const [only] = this.active.size === 1 ? this.active : [];
    return this.scope.getStore() ?? only;
  }

  get hasFinish(): boolean {
    return this.options.finish !== undefined;
  }

  /** Runs the function's finish, whose outputs and outcome have this id. */
  finish(id: number): void {
    const record = new RunningRecord({ id, payload: Buffer.alloc(0), download: undefined, traceParent: '' }, undefined);
    this.active.add(record);
    const { finish, context } = this.options;
    this.scope.run(record, () => {
      const returned = async () => finish?.(contextOf(record, context));
      this.follow(
        record,
        returned().then((value) => this.outputs.takeAggregate(record, value)),
      );
    });
  }

  /** Requests the acks of the records that are decided, and of this one. */
  requestAck(record: RunningRecord): void {
    this.decided.push({ requestedBy: record.id });
    this.schedule();
  }

  /** The result of the record is not needed any more. */
  cancel(id: number): void {
    for (const record of this.active) if (record.id === id) record.cancel();
  }

  /** Gives back the records that have not begun. */
  release(): void {
    const released = this.queue.slice(this.head).map(({ id }) => ({ id, kind: Entry.Released }));
    this.queue = [];
    this.head = 0;
    this.options.outbox.send(released);
  }

  /** Resolves when every record has ended. */
  async idle(): Promise<void> {
    if (this.queue.length === this.head && this.active.size === 0) return;
    await new Promise<void>((resolve) => {
      this.whenIdle = resolve;
    });
  }

  /**
   * Fails the record to which an error in the background belongs: the one in whose asynchronous context it was thrown, or
   * the only one that runs. Returns false when there is none.
   */
  blame(error: unknown): boolean {
    const record = this.current;
    if (record === undefined) return false;
    if (record.state === 'ended') {
      const text = `an error after the end of its record, which counts as processed: ${lineOf(error)}`;
      this.options.outbox.log('ERROR', text, record.id);
    } else this.fail(record, error);
    return true;
  }

  /** Sends the outcomes that are decided; soon, if other records begin first. */
  flush(isLast = true): void {
    if (this.decided.length === 0) {
      if (isLast) this.options.outbox.flush();
      return;
    }
    const { decided } = this;
    this.decided = [];
    const entries: OutcomeEntry[] = [];
    for (const record of decided) {
      if ('requestedBy' in record) {
        entries.push({ id: record.requestedBy, kind: Entry.AckRequested });
        continue;
      }
      record.state = 'ended';
      this.active.delete(record);
      const { id, failure } = record;
      if (failure !== undefined) {
        entries.push({ id, kind: Entry.Failed, failure });
        continue;
      }
      for (const payload of record.outputs) entries.push({ id, kind: Entry.Output, side: '', payload });
      entries.push({ id, kind: Entry.Done });
    }
    if (isLast) this.options.outbox.send(entries);
    else this.options.outbox.gather(entries);
    if (this.whenIdle !== undefined && this.queue.length === this.head && this.active.size === 0) this.whenIdle();
  }

  private schedule(): void {
    if (this.turns > 0) return;
    const queued = this.queue.length - this.head;
    const free = this.options.concurrency - this.busy;
    const startable = this.hasBeenAsync ? Math.min(queued, free) : queued;
    this.turns = Math.min(Math.max(startable, this.decided.length > 0 ? 1 : 0), maxTurns);
    this.turnsEndMs = undefined;
    for (let turn = 0; turn < this.turns; turn++) setImmediate(this.turn);
  }

  private readonly turn = (): void => {
    this.turns--;
    const nowMs = performance.now();
    const isLast = this.turns === 0 || nowMs - this.sentMs > maxGatherMs;
    if (isLast) this.sentMs = nowMs;
    this.flush(isLast);
    this.turnsEndMs ??= nowMs + maxTurnsMs;
    if (this.busy < this.options.concurrency && nowMs < this.turnsEndMs) this.beginNext();
    this.schedule();
  };

  private beginNext(): void {
    const received = this.queue[this.head];
    if (received === undefined) return;
    this.head++;
    let writer: RunningRecord['writer'];
    let event: unknown;
    let error: unknown;
    try {
      writer = this.options.schemas.writerOf(received.payload);
      event = writer.decode(received.payload);
    } catch (thrown) {
      error = thrown;
    }
    const record = new RunningRecord(received, writer);
    this.active.add(record);
    if (error === undefined) this.scope.run(record, () => this.call(record, event));
    else this.fail(record, error);
  }

  private call(record: RunningRecord, event: unknown): void {
    const { entry, isStreaming, context } = this.options;
    try {
      const ctx = contextOf(record, context);
      const returned = isStreaming ? entry(ctx, event, this.outputs.queueOf(record)) : entry(ctx, event);
      const taken = isThenable(returned)
        ? Promise.resolve(returned).then((value) => this.outputs.take(record, value))
        : this.outputs.take(record, returned);
      if (taken === undefined) this.decide(record);
      else this.follow(record, taken);
    } catch (error) {
      this.fail(record, error);
    }
  }

  /** Lets other records begin until the promise settles. */
  private follow(record: RunningRecord, taken: Promise<void>): void {
    record.isAsync = true;
    this.hasBeenAsync = true;
    this.busy++;
    taken.then(
      () => this.decide(record),
      (error: unknown) => this.fail(record, error),
    );
  }

  private fail(record: RunningRecord, error: unknown): void {
    if (record.state === 'ended') return;
    record.failure = failureOf(error);
    this.decide(record);
  }

  private decide(record: RunningRecord): void {
    if (record.state !== 'running') return;
    record.state = 'decided';
    if (record.isAsync) this.busy--;
    this.options.log.endLines();
    this.decided.push(record);
    this.schedule();
  }
}
