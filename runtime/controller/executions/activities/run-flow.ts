import { createHash } from 'node:crypto';
import { isTransient, KFlowError } from '../../../../lib/errors';
import { isPlainMap } from '../../../../lib/plain-map';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import { isClosedPhase } from '../../../api-contract/flow-phase';
import type { FlowStatus } from '../../../api-contract/flow-status';
import { poll } from '../../../async/poll';
import type { FlowService, Requester } from '../../flows/ports/flow-service';
import { type StepRef, stepRefText } from '../ports/step-ref';
import type { CallOrder, CallResult } from '../workflow/execution-activities';

/** How often the state of a flow is read. */
const pollMs = 1_000;

export interface FlowRunPorts {
  readonly flows: () => Pick<FlowService, 'submit' | 'status' | 'end'>;
  /** Whether the execution still waits for this attempt. */
  readonly isWanted: (namespace: string, ref: StepRef) => Promise<boolean>;
}

/**
 * Submits a topology and waits for its outcome.
 *
 * F1. A repeated call finds the flow that an earlier one has submitted, running or ended.
 * F2. The flow is stopped when nobody waits for the step any more, and only then: a controller that shuts down, or that another
 * one has replaced, leaves it running.
 */
export async function runFlow(ports: FlowRunPorts, order: CallOrder, signal: AbortSignal): Promise<CallResult> {
  const service = ports.flows();
  const { execution, step } = order.ref;
  const requester = { by: `execution ${execution}`, comment: `step ${step}` };
  const { topology = '', jobId = ownJobId(order) } = textsOf(order.parameters);
  const flow: FlowKey = { namespace: order.namespace, jobId };
  try {
    if (!(await isSubmitted(service, flow, order))) await service.submit(flow, topology, requester);
    const ended = await poll(
      async () => {
        const status = await service.status(flow);
        return isClosedPhase(status.status) ? status : undefined;
      },
      { intervalMs: pollMs, signal },
    );
    return outcomeOf(flow, ended);
  } catch (error) {
    if (signal.aborted) await stopUnwanted(ports, { order, flow, requester, reason: signal.reason });
    if (signal.aborted || isTransient(error) || !(error instanceof KFlowError)) throw error;
    return { kind: 'failed', code: error.code, message: error.message };
  }
}

/** F1. */
async function isSubmitted(
  service: Pick<FlowService, 'status'>,
  flow: FlowKey,
  { sinceMs = Number.POSITIVE_INFINITY }: CallOrder,
): Promise<boolean> {
  try {
    const { startTime } = await service.status(flow);
    return Date.parse(startTime) >= sinceMs;
  } catch (error) {
    if (error instanceof KFlowError && error.code === 'flow-missing') return false;
    throw error;
  }
}

/** F2. */
async function stopUnwanted(
  { flows, isWanted }: FlowRunPorts,
  {
    order: { namespace, ref },
    flow,
    requester,
    reason,
  }: { readonly order: CallOrder; readonly flow: FlowKey; readonly requester: Requester; readonly reason: Error },
): Promise<void> {
  if (reason.message === 'WORKER_SHUTDOWN') return;
  const isCanceled = reason.message === 'CANCELLED';
  if (!isCanceled && (await isWanted(namespace, ref).catch(() => true))) return;
  await flows()
    .end(flow, 'stop', requester)
    .catch(() => undefined); // it has ended
}

function outcomeOf(flow: FlowKey, ended: FlowStatus | undefined): CallResult {
  if (ended?.status !== 'Completed') {
    const why = ended?.reason === undefined ? '' : `: ${ended.reason}`;
    return { kind: 'failed', code: 'flow-failed', message: `${flowName(flow)} is ${ended?.status}${why}` };
  }
  const functions = ended.functions.map(({ function: id, in: read, out, dead }) => ({
    function: id,
    in: read,
    out,
    dead,
  }));
  return { kind: 'succeeded', output: { ...flow, status: ended.status, functions } };
}

/** A name of its own, the same each time that the attempt is made. */
function ownJobId({ ref }: CallOrder): string {
  return `step-${createHash('sha256').update(stepRefText(ref)).digest('hex').slice(0, 16)}`;
}

function textsOf(parameters: unknown): { readonly topology?: string; readonly jobId?: string } {
  const { topology, jobId } = isPlainMap(parameters) ? parameters : {};
  return {
    ...(typeof topology === 'string' ? { topology } : {}),
    ...(typeof jobId === 'string' ? { jobId } : {}),
  };
}
