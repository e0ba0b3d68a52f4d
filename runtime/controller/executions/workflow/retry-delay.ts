import type { TaskPolicy } from '../../../../lib/tasks/graph/task-policy';
import type { TaskError } from '../../../api-contract/task-message';

/** How long to wait before the next attempt, in ms; undefined when there is none. `attempt` is the one that failed, from 1. */
export function retryDelayMs(
  { attempts, backoffMs, factor, capMs, jitter, except }: TaskPolicy['retry'],
  { code, isTerminal, retryAfterMs }: TaskError,
  { attempt, random }: { readonly attempt: number; readonly random: () => number },
): number | undefined {
  if (attempt >= attempts || isTerminal === true || except.includes(code)) return undefined;
  if (retryAfterMs !== undefined) return retryAfterMs;
  const delay = Math.min(capMs, backoffMs * factor ** (attempt - 1));
  return jitter ? delay * (0.5 + random() / 2) : delay;
}
