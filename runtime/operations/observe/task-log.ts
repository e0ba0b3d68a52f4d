import { createLog } from '../../log';
import type { Message } from '../messages/message';
import type { Result } from '../messages/result';

export type TaskLogLevel = 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR';

/** The structured part of a line: the message and the result as JSON, and the error. Null where there is none. */
export interface TaskLogFields {
  readonly kmsg: unknown;
  readonly kresult: unknown;
  readonly error: unknown;
  /** What could not be read as a message. */
  readonly raw?: string;
}

export type TaskLog = (level: TaskLogLevel, line: string, fields: TaskLogFields) => void;

export interface Logged {
  readonly message?: Message;
  readonly result?: Result;
  readonly error?: unknown;
  readonly raw?: string;
}

let log: TaskLog | undefined;

/** From now on, all tasks of this process log here. Default: stdout, one JSON object a line (KFLOW_LOG_FORMAT, KFLOW_RUNTIME_LOG_LEVEL). */
export function useLog(write: TaskLog): void {
  log = write;
}

export function writeLog(level: TaskLogLevel, line: string, { message, result, error, raw }: Logged = {}): void {
  log ??= createLog(process.env);
  log(level, line, {
    kmsg: message?.toJSON() ?? null,
    kresult: result?.toJSON() ?? null,
    error: error ?? (result === undefined || result.retcode === 0 ? null : (result.retval.error ?? null)),
    ...(raw === undefined ? {} : { raw }),
  });
}
