import { closeSync, openSync, writeSync } from 'node:fs';
import type { SequenceRange } from '../../../engine/ports/bulk-log';
import type { Delivery } from '../../../engine/ports/delivery';
import { hasSequence, mergeRanges } from '../../../engine/sequence-ranges';
import { CommandError, ExitStatus, usageError } from '../../frame/exit-status';

/** An output, `FUNCTION` or `FUNCTION.SIDE`, and the file that gets its records. */
export interface RecordedEdge {
  readonly edge: string;
  readonly file: string;
}

export interface EdgeFileProps extends RecordedEdge {
  /** The JSON of a message. */
  readonly jsonOf: (payload: Uint8Array) => Promise<string>;
  readonly say: (line: string) => void;
}

/**
 * The file of a recorded edge, as JSON lines.
 *
 * F1. A record is one line, however often its message is delivered: one that waits for long is delivered again.
 * F2. When a record cannot be written, that is said at once, and no other is: the flow does not wait for the file.
 */
export class EdgeFile {
  private readonly output: number;
  /** Sequences of the stream. */
  private written: readonly SequenceRange[] = [];
  private count = 0;
  private isClosed = false;
  private failure: CommandError | undefined;

  /** Throws CommandError when the file cannot be opened. */
  constructor(private readonly props: EdgeFileProps) {
    try {
      this.output = openSync(props.file, 'w', 0o600);
    } catch (error) {
      throw usageError(`${this.name}: cannot write: ${(error as Error).message}`);
    }
  }

  /** Number of records in the file. Throws CommandError when it does not have all (F2). */
  get records(): number {
    if (this.failure !== undefined) throw this.failure;
    return this.count;
  }

  /** Writes a record, one at a time, and acks its message. */
  async write(delivery: Pick<Delivery, 'sequence' | 'payload' | 'ack'>): Promise<void> {
    const { sequence, payload } = delivery;
    if (this.failure === undefined && !hasSequence(this.written, sequence)) {
      try {
        const json = await this.props.jsonOf(payload);
        if (this.isClosed) return;
        writeSync(this.output, `${json}\n`);
        this.written = mergeRanges(this.written, [[sequence, sequence]]);
        this.count++;
      } catch (cause) {
        if (this.isClosed) return;
        this.fail(cause);
      }
    }
    delivery.ack();
  }

  /** What is written from now on is dropped, and not acked. */
  close(): void {
    this.isClosed = true;
    closeSync(this.output);
  }

  private fail(cause: unknown): void {
    const message = `${this.name}: record ${this.count + 1} cannot be written: ${(cause as Error).message}`;
    this.failure = new CommandError(ExitStatus.Failed, 'config-invalid', message, cause);
    this.props.say(`${message}; the flow runs on, and no more of its records are recorded`);
  }

  private get name(): string {
    return `--record ${this.props.edge}=${this.props.file}`;
  }
}
