import { type ErrorCode, isTransient, KFlowError } from '../../../lib/errors';

/** The exit statuses of all commands; part of the public contract, like the error codes. */
export const ExitStatus = {
  Done: 0,
  Failed: 1,
  Differs: 2,
  Unavailable: 3,
  NotFound: 4,
  TimedOut: 5,
  Usage: 64,
  Misconfigured: 78,
  Interrupted: 130,
} as const;
export type ExitStatus = (typeof ExitStatus)[keyof typeof ExitStatus];

/** The table of exit statuses in `kflow --help`. */
export const exitStatuses: readonly { readonly status: number; readonly meaning: string }[] = [
  { status: ExitStatus.Done, meaning: 'done' },
  { status: ExitStatus.Failed, meaning: 'the document, the flow or the execution has problems, or the command failed' },
  { status: ExitStatus.Differs, meaning: 'something differs or would change (plan, diff)' },
  {
    status: ExitStatus.Unavailable,
    meaning: 'the controller, the cluster or a server is unavailable, or refuses the login',
  },
  { status: ExitStatus.NotFound, meaning: 'no such flow, revision, execution or schedule' },
  { status: ExitStatus.TimedOut, meaning: 'timed out waiting (--wait)' },
  { status: ExitStatus.Usage, meaning: 'wrong usage: unknown command or option, bad value' },
  { status: ExitStatus.Misconfigured, meaning: 'the settings of the controller are invalid (controller)' },
  { status: ExitStatus.Interrupted, meaning: 'interrupted by Ctrl-C; 143 by SIGTERM' },
];

/** Error codes with their own exit status. */
const statusOfCode: { readonly [code in ErrorCode]?: ExitStatus } = {
  'flow-missing': ExitStatus.NotFound,
  'revision-missing': ExitStatus.NotFound,
  'execution-missing': ExitStatus.NotFound,
  'schedule-missing': ExitStatus.NotFound,
};

/** An error with an explicit exit status. */
export class CommandError extends KFlowError {
  override readonly name = 'CommandError';

  constructor(
    readonly status: ExitStatus,
    code: ErrorCode,
    message: string,
    cause?: unknown,
  ) {
    super(code, message, { cause });
  }
}

/** An error in the command line. The runner adds a hint at `--help`. */
export function usageError(message: string): CommandError {
  return new CommandError(ExitStatus.Usage, 'config-invalid', message);
}

/** The exit status of a command that threw `error`. */
export function exitStatusOf(error: unknown): ExitStatus {
  if (error instanceof CommandError) return error.status;
  if (!(error instanceof KFlowError)) return ExitStatus.Failed;
  if (isTransient(error) && error.detail.isFinal !== true) return ExitStatus.Unavailable;
  return statusOfCode[error.code] ?? ExitStatus.Failed;
}
