import { countedRecords } from '../../../lib/counted';
import { ConfigError, type KFlowError } from '../../../lib/errors';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import type { Counters } from '../counters';
import type { OutputWriter } from '../output-writer';
import type { LogLevel } from '../ports/host';
import type { RecordTracer } from '../ports/record-tracer';

export interface AggregatePorts {
  readonly spec: FunctionSpec;
  /** Start of the ids of the aggregate's outputs: another one for each start of the replica. */
  readonly origin: string;
  readonly writer: OutputWriter;
  readonly counters: Counters;
  /** Without a tracer, no spans are recorded. */
  readonly tracer?: RecordTracer | undefined;
  readonly log: (level: LogLevel, text: string) => void;
  /** Only in batch mode: a stream has no end at which a loss could be noticed. */
  readonly notes?: StateNotes;
  /** Called when a state is lost and the replica must end (I2). */
  readonly onLost: () => void;
  /** Notes the loss of a stream where it is seen later; a batch fails with its reason. */
  readonly noteLoss: (message: string, lost: { readonly count: number }) => Promise<void>;
  /** Aborted when the replica must stop; `graceMs` later, a finish that still runs is given up. */
  readonly stop: AbortSignal;
  readonly graceMs: number;
  /** Time that a finish may take without a heartbeat, unless the replica stops. */
  readonly limitMs: number;
}

/** A durable note that a replica has state in memory: records that are acked, whose share is in no stored output. */
export interface StateNotes {
  /** Whether this replica's part of the function has ended in the current run. */
  hasEnded(): Promise<boolean>;
  /** Replicas, from 0, whose state was not stored before they ended: this one, and those of an earlier replica count. */
  lost(): Promise<readonly number[]>;
  /** Resolves when the note is stored. */
  note(): Promise<void>;
  /** Resolves when the note is removed. */
  clear(): Promise<void>;
}

/**
 * The aggregates of one replica: what its function's finish gives for the records that the replica has processed.
 *
 * I1. An aggregate stands for exactly the records that were acked since the start of the state. Its outputs are stored
 *     before the replica ends, whatever ends the replica gracefully; the next start begins with an empty state.
 * I2. In batch mode, the first record of a state is acked only after a note is stored, and the note is removed only after
 *     the aggregate's outputs are. A note that a replica finds as it starts is a lost state, and so is a host that is gone
 *     before its aggregate: the batch fails, because its result would be wrong.
 */
export class Aggregates {
  private error: KFlowError | undefined;
  private isNoted = false;
  private noting: Promise<void> | undefined;
  private stoppedAtMs: number | undefined;
  /** Whether the function has a finish. */
  hasFinish = false;
  /** Whether this replica had ended in an earlier start. */
  hadEnded = false;
  /** Whether no input of the function has more records: its finish runs even if it has processed none. */
  isAtEnd = false;
  /** Records acked since the start of the state. */
  acked = 0;

  constructor(readonly ports: AggregatePorts) {
    const { stop } = ports;
    const stopped = () => {
      this.stoppedAtMs = Date.now();
    };
    if (stop.aborted) stopped();
    else stop.addEventListener('abort', stopped, { once: true });
  }

  /** Called when a host with a finish is open. Throws ConfigError 'state-lost' (I2). */
  async opened(): Promise<void> {
    const { notes } = this.ports;
    if (this.hasFinish || notes === undefined) {
      this.hasFinish = true;
      return;
    }
    this.hasFinish = true;
    this.hadEnded = await notes.hasEnded();
    const lost = this.hadEnded ? [] : await notes.lost();
    if (lost.length > 0) throw this.lossOf(`replica ${lost.join(', ')} ended before its aggregate was stored`);
  }

  /** Undefined when a record may be acked at once, else a promise that resolves when it may (I2). */
  beforeAck(): Promise<void> | undefined {
    const { notes } = this.ports;
    if (notes === undefined || this.isNoted) return undefined;
    this.noting ??= notes.note().then(
      () => {
        this.isNoted = true;
      },
      (error) => {
        this.noting = undefined; // the next record tries again
        throw error;
      },
    );
    return this.noting;
  }

  /** The aggregate is stored: the state starts anew. */
  async stored(): Promise<void> {
    if (this.isNoted) await this.ports.notes?.clear();
    this.acked = 0;
    this.isNoted = false;
    this.noting = undefined;
  }

  /** The state is gone, or its finish has failed for good. */
  lost(why: string): void {
    if (this.acked === 0 && !this.isAtEnd) return;
    const { log, notes } = this.ports;
    const error = this.lossOf(why);
    if (notes === undefined) this.noting = this.ports.noteLoss(error.message, { count: Math.max(1, this.acked) });
    this.acked = 0;
    log('ERROR', error.message);
    if (notes === undefined && this.stoppedAtMs === undefined) return; // a stream goes on
    this.error ??= error;
    this.ports.onLost();
  }

  /** When the finish is given up, ms since 1970. `aliveAtMs` is the time of its start or of its last heartbeat. */
  deadlineMs(aliveAtMs: number): number {
    const { graceMs, limitMs } = this.ports;
    return this.stoppedAtMs === undefined ? aliveAtMs + limitMs : this.stoppedAtMs + graceMs;
  }

  /** Throws the error of a lost state, when the loss is noted. */
  async throwIfLost(): Promise<void> {
    await this.noting;
    if (this.error !== undefined) throw this.error;
  }

  private lossOf(why: string): KFlowError {
    const { spec, notes } = this.ports;
    const records = this.acked === 0 ? 'its records' : countedRecords(this.acked);
    const remedy =
      notes === undefined ? '' : '; the batch cannot end with the right result: delete the flow and run it again';
    return new ConfigError('state-lost', `${spec.function}: the aggregate of ${records} is lost: ${why}${remedy}`);
  }
}
