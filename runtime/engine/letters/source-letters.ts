import { KFlowError } from '../../../lib/errors';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { cutFailure, maxLogged } from '../failures';
import { writerIdOf } from '../output-writer';
import type { Failure, LogLevel } from '../ports/host';
import type { Publisher } from '../ports/publisher';
import type { TraceContext } from '../trace/trace-context';
import { placeOf } from './error-place';
import { encodeLetter } from './letter-headers';
import { joinHistories, noHistory } from './letter-history';

export interface SourceLettersOptions {
  readonly publisher: Publisher;
  /** Names the replica in letters. */
  readonly replica: string;
  readonly log: (level: LogLevel, text: string) => void;
}

/** A record of a source that cannot be stored. */
interface LostRecord {
  readonly id: string;
  /** The record in JSON, as far as it can be shown. */
  readonly text: string;
  readonly trace: TraceContext;
}

const prefix = 'dead:';

/** The id of the record that a letter of a source stands for, by the id of the letter. */
export function recordIdOf(letterId: string): string {
  return letterId.slice(prefix.length);
}

/** Letters are in the log this often; the first one at once. */
const logEveryMs = 30_000;

/**
 * Writes dead letters for records of a source that do not fit its schema or its stream. Such a letter has no origin: nothing can
 * produce its record again. Its message is JSON: the record as far as it can be shown.
 */
export class SourceLetters {
  private loggedAtMs = Number.NEGATIVE_INFINITY;
  private unlogged = 0;

  constructor(
    private readonly spec: FunctionSpec,
    private readonly options: SourceLettersOptions,
  ) {}

  /** Calls `settle` once, without an error when the letter is stored. */
  put({ id, text, trace: context }: LostRecord, failure: Failure, settle: (error?: KFlowError) => void): void {
    const { spec, options } = this;
    const { type, message, trace, reason = 'exception' } = cutFailure(failure);
    const { replica } = options;
    const at = new Date().toISOString();
    const place = placeOf(trace);
    const headers = encodeLetter({
      function: spec.function,
      stream: '',
      sequence: 0,
      storedAt: '',
      writer: writerIdOf(spec),
      deliveries: 1,
      failedAt: at,
      reason,
      errorType: type,
      error: message,
      ...(place === undefined ? {} : { place }),
      ...(trace === undefined ? {} : { trace }),
      replica,
      stored: '',
      ...context,
      history: joinHistories(noHistory, {
        attempts: [{ number: 1, at, replica, reason, type, message }],
        redrives: [],
      }),
    });
    this.tell(`${type}: ${message}`);
    const outgoing = { subject: spec.deadLetters.subject, id: `${prefix}${id}`, payload: Buffer.from(text), headers };
    options.publisher.publish(outgoing, (result) => {
      if (result instanceof KFlowError) settle(result);
      else settle();
    });
  }

  private tell(error: string): void {
    const nowMs = performance.now();
    this.unlogged++;
    if (nowMs - this.loggedAtMs < logEveryMs) return;
    const others = this.unlogged === 1 ? '' : ` (${this.unlogged} since the last of these lines)`;
    this.options.log('ERROR', `a record is a dead letter: ${error.slice(0, maxLogged)}${others}`);
    this.loggedAtMs = nowMs;
    this.unlogged = 0;
  }
}
