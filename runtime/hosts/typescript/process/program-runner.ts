import type { ProgramRecord, ProgramTopology, ProgramWriter } from '../../../../lib/define/program';
import type { FunctionLog } from './function-log';
import type { Outbox, Produced } from './outbox';
import type { OutputEncoder } from './output-encoder';
import { encodeOne, sizeOf, sliceBytes, sliceRecords } from './source-records';

/** A request is answered within this time, so that a stop does not wait for the program. */
const waitMs = 1_000;

interface Write {
  readonly record: Produced;
  readonly stored: () => void;
}

/**
 * The sink of a program that writes its records itself.
 * G1. A request says that the records of the response before are stored: their writes resolve.
 * G2. A request is answered within `waitMs`, without records if there are none.
 * G3. The source ends when the sink is closed and everything written is stored.
 */
export class ProgramRunner implements ProgramWriter {
  /** Whether the code is a program: it has asked for its topology. */
  isUsed = false;
  private waiting: Write[] = [];
  private sent: readonly Write[] = [];
  private isClosed = false;
  private wake: () => void = () => undefined;

  constructor(
    private readonly options: {
      readonly topology: ProgramTopology;
      readonly encoder: OutputEncoder;
      readonly outbox: Outbox;
      readonly log: FunctionLog;
    },
  ) {}

  topology(): ProgramTopology {
    this.isUsed = true;
    return this.options.topology;
  }

  async write(event: ProgramRecord): Promise<void> {
    if (this.isClosed) throw new Error('the sink is closed');
    const record = encodeOne(event, this.options.encoder);
    await new Promise<void>((stored) => {
      this.waiting.push({ record, stored });
      this.wake();
    });
  }

  close(): void {
    this.isClosed = true;
    this.wake();
  }

  /** Responds to a request for records; the next one comes after the response. */
  async respond(request: number): Promise<void> {
    for (const { stored } of this.sent) stored(); // G1
    this.sent = [];
    await this.change();
    this.sent = this.take();
    const { log, outbox } = this.options;
    log.endLines();
    const records = this.sent.map(({ record }) => record);
    const ended = this.isClosed && records.length === 0;
    outbox.slice(request, { records, ended, isRepeatable: false });
  }

  /** Resolves when something is written or the sink is closed, or after a time (G2). */
  private async change(): Promise<void> {
    if (this.waiting.length > 0 || this.isClosed) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private take(): readonly Write[] {
    let count = 0;
    for (let bytes = 0; count < Math.min(this.waiting.length, sliceRecords) && bytes < sliceBytes; count++) {
      bytes += sizeOf(this.waiting[count]?.record);
    }
    return this.waiting.splice(0, count);
  }
}
