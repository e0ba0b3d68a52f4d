import type { ExecutionPhase } from '../../../api-contract/execution-phase';
import type { ExecutionView } from '../../../api-contract/execution-status';
import type { ExecutionSnapshot } from './execution-workflow';

/** The phase of an execution; a failure with steps that still run is not one yet. */
function executionPhase({ state }: Pick<ExecutionSnapshot, 'state'>): ExecutionPhase {
  switch (state.outcome?.status) {
    case 'completed':
      return 'Completed';
    case 'failed':
      return 'Failed';
    case 'canceled':
      return 'Stopped';
    default:
      return state.ending?.status === 'canceled' ? 'Stopping' : 'Running';
  }
}

/** An execution as a list shows it. */
export function executionView(snapshot: ExecutionSnapshot): ExecutionView {
  const { definition, run, startedMs, endedMs } = snapshot;
  const { incarnation: _, ...described } = definition;
  const reason = reasonOf(snapshot);
  return {
    ...described,
    status: executionPhase(snapshot),
    ...(reason === undefined ? {} : { reason }),
    startedAt: isoOf(startedMs),
    endedAt: endedMs === undefined ? null : isoOf(endedMs),
    run,
  };
}

/** The last time that a date can have, in ms since 1970. */
const lastMs = 8.64e15;

/** ISO 8601; of a later time than dates have, the last one. */
export function isoOf(ms: number): string {
  return new Date(Math.min(ms, lastMs)).toISOString();
}

function reasonOf({ state, log, isTerminated }: ExecutionSnapshot): string | undefined {
  const { outcome, ending } = state;
  if (outcome?.status === 'failed') return outcome.error.message;
  const isCanceled = outcome?.status === 'canceled' || ending?.status === 'canceled';
  if (!isCanceled) return undefined;
  const by = log.findLast(({ what }) => what === 'canceling')?.by;
  const verb = isTerminated === true ? 'terminated' : 'canceled';
  const failure = outcome?.status === 'canceled' ? outcome.error : undefined;
  return `${verb}${by === undefined ? '' : ` by ${by}`}${failure === undefined ? '' : `; @finally failed: ${failure.message}`}`;
}
