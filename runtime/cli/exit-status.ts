import { type ErrorCode, KFlowError } from '../../lib/errors';

/** What the commands of flows end with: part of their contract, told by `--help`. */
export const ExitStatus = {
  done: 0,
  refused: 1,
  usage: 2,
  /** Of `kflow diff`: there are differences, as `kflow plan` has it. */
  differs: 2,
  unreachable: 3,
  missing: 4,
  timedOut: 5,
} as const;
export type ExitStatus = (typeof ExitStatus)[keyof typeof ExitStatus];

/** A command that cannot go on, with what it ends with. */
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

/** A command line that cannot be understood. */
export function usageError(message: string): CommandError {
  return new CommandError(ExitStatus.usage, 'config-invalid', message);
}
