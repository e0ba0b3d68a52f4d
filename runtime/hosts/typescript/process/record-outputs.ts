import type { StreamQueue } from '../../../../lib/define/sdk';
import { FunctionError } from '../../../../lib/errors';
import { Entry } from '../../framing/frames';
import type { Outbox } from './outbox';
import { eachRecord, isIterable } from './output-encoder';
import type { RunningRecord } from './running-record';
import type { Schemas } from './schemas';
import type { Window } from './window';

/** How long an iterable may yield before sockets and timers get their turn. */
const yieldMs = 10;

/**
 * Makes outputs of what a function returns, yields, or puts into its queue.
 * U1. A list is sent together with the outcome of its record, or not at all.
 * U2. What an iterable yields, or a function puts into its queue, is sent at once and takes room; without room, the iterable
 *     is not asked for more. Nothing is sent for a record that has ended.
 */
export class RecordOutputs {
  constructor(
    private readonly options: {
      readonly isStreaming: boolean;
      readonly schemas: Schemas;
      readonly outbox: Outbox;
      readonly window: Window;
    },
  ) {}

  /** Takes what the function has returned; a promise when that is not done at once. Throws what does not fit. */
  take(record: RunningRecord, returned: unknown): Promise<void> | undefined {
    if (this.options.isStreaming) return this.waitForPuts(record);
    if (returned === undefined || returned === null) return undefined;
    const { output } = this.options.schemas;
    if (!Array.isArray(returned) && isIterable(returned)) return this.emitEach(record, returned);
    const list = Array.isArray(returned) ? returned : [returned];
    record.outputs = list.map((each) => output.encode(each, record.writer)); // U1
    return undefined;
  }

  /** Takes what the function's finish has returned; what it yields counts as a list. */
  async takeAggregate(record: RunningRecord, returned: unknown): Promise<void> {
    const outputs: Uint8Array[] = [];
    for await (const output of eachRecord(returned)) outputs.push(this.options.schemas.output.encode(output));
    record.outputs = outputs;
  }

  /** The queue that a streaming function gets. */
  queueOf(record: RunningRecord): StreamQueue {
    return { put: (output) => this.put(record, output) };
  }

  private async emitEach(record: RunningRecord, yielded: Iterable<unknown> | AsyncIterable<unknown>): Promise<void> {
    let untilMs = performance.now() + yieldMs;
    for await (const output of yielded) {
      if (record.state !== 'running') return;
      const room = this.emit(record, output);
      if (room !== undefined) await room;
      if (performance.now() < untilMs) continue;
      await nextTurn();
      untilMs = performance.now() + yieldMs;
    }
  }

  /** Sends an output when there is room for it. */
  private emit(record: RunningRecord, output: unknown): Promise<void> | undefined {
    const { schemas, window } = this.options;
    const payload = schemas.output.encode(output, record.writer);
    const room = window.take(payload.length);
    if (room === undefined) this.send(record, payload);
    return room?.then(() => this.send(record, payload));
  }

  private send(record: RunningRecord, payload: Uint8Array): void {
    if (record.state === 'running') {
      this.options.outbox.send([{ id: record.id, kind: Entry.OutputWithCredit, side: '', payload }]);
    } else this.options.window.credit(1, payload.length); // the runtime gives no room back for what is not sent
  }

  private async put(record: RunningRecord, output: unknown): Promise<void> {
    if (record.state !== 'running')
      throw new FunctionError('function-failed', 'q.put was called after the record ended');
    const room = this.emit(record, output);
    if (room === undefined) return;
    record.puts++;
    await room;
    record.puts--;
    if (record.puts === 0) record.whenPutsEnd?.();
  }

  /** Outputs that a streaming function has put without waiting are sent before the end of its record. */
  private async waitForPuts(record: RunningRecord): Promise<void> {
    if (record.puts === 0) return;
    await new Promise<void>((resolve) => {
      record.whenPutsEnd = resolve;
    });
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
