import { randomUUID } from 'node:crypto';
import { StateError } from '../../../../lib/errors';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import { isClosedPhase } from '../../../api-contract/flow-phase';
import type { FlowStatus } from '../../../api-contract/flow-status';
import { waitUntil } from '../../../async/poll';
import { retry } from '../../../async/retry';
import type { FlowRecord } from '../ports/flow-record';
import type { FlowCommand, RequestOrigin } from '../ports/flow-request';
import type { Ending, Requester } from '../ports/flow-service';
import type { FlowLimits, FlowMemo, FlowWorkflows, FlowWorkflowView } from '../ports/flow-workflow';
import type { FlowStatuses } from './flow-statuses';

export interface FlowWorkflowClientProps {
  readonly workflows: FlowWorkflows;
  readonly statuses: Pick<FlowStatuses, 'of'>;
  readonly limits: FlowLimits;
}

export interface StartOptions {
  readonly requester: Requester;
  /** Record of the flow's previous workflow. */
  readonly record: FlowRecord | undefined;
}

/** A workflow whose memo shows a closed phase closes within moments. */
const closing = { intervalMs: 50, timeoutMs: 5_000 };

/** Starts the workflows of flows and sends them requests. */
export class FlowWorkflowClient {
  constructor(private readonly props: FlowWorkflowClientProps) {}

  /** The current or last workflow of the flow. Waits until a workflow that is about to close has closed. */
  async describe(flow: FlowKey): Promise<FlowWorkflowView | undefined> {
    let view: FlowWorkflowView | undefined;
    await waitUntil(async () => {
      view = await this.props.workflows.describe(flow);
      const isClosing = view?.isOpen === true && view.memo !== undefined && isClosedPhase(view.memo.phase);
      return !isClosing;
    }, closing);
    return view;
  }

  /**
   * The memo of a flow whose workflow is open. Throws StateError `flow-missing`, or `state-invalid` when the flow is closed
   * or its data is being removed.
   */
  async openMemo(flow: FlowKey): Promise<FlowMemo> {
    const view = await this.describe(flow);
    if (!view?.isOpen || view.memo === undefined) {
      throw closedError(flow, await this.props.statuses.of(flow), 'submit the flow again first');
    }
    if (view.memo.digest !== '') return view.memo;
    const message = `${flowName(flow)} is being deleted; submit it again once it is gone`;
    throw new StateError('state-invalid', message, { where: flowName(flow) });
  }

  /** Sends a request to an open flow. Throws as `openMemo`, and StateError `state-invalid` when the workflow refuses it. */
  async request(flow: FlowKey, command: FlowCommand, requester: Requester): Promise<void> {
    await this.openMemo(flow);
    try {
      await this.send(flow, command, requester);
    } catch (error) {
      if (isClosedError(error)) await this.openMemo(flow); // throws the reason why the flow is closed
      throw error;
    }
  }

  /** Sends a request whatever the state of the flow. Throws StateError `flow-missing` when its workflow has closed. */
  async send(flow: FlowKey, command: FlowCommand, requester: Requester): Promise<void> {
    const request = { ...command, ...originOf(requester) };
    // the answer to an accepted request can be lost: its retry is the same request
    const { idempotencyKey = randomUUID() } = requester;
    await retry(() => this.props.workflows.request(flow, request, idempotencyKey), {
      // a workflow refuses requests as closed shortly before it closes
      isRetryable: async (error) => isClosedError(error) && (await this.describe(flow))?.isOpen === true,
      delays: () => closing.intervalMs,
      timeoutMs: closing.timeoutMs,
    });
  }

  /** Starts a workflow that runs a document. Throws StateError `flow-exists` when the flow is open. */
  async start(
    flow: FlowKey,
    document: Pick<FlowMemo, 'digest' | 'mode'>,
    { record, requester }: StartOptions,
  ): Promise<void> {
    const last = record?.revisions.at(-1);
    const revision = (last?.number ?? 0) + Number(last?.digest !== document.digest);
    const begin = { kind: 'submit' as const, ...document, ...predecessorOf(record), ...originOf(requester) };
    const input = { flow, limits: this.props.limits, begin };
    await this.props.workflows.start(flow, input, { ...newMemo('Running', begin.at), ...document, revision });
  }

  /** Starts a workflow that only removes what the previous one left behind. */
  async startEnding(flow: FlowKey, ending: Ending, { record, requester }: StartOptions): Promise<void> {
    const begin = { kind: 'end' as const, ending, ...predecessorOf(record), ...originOf(requester) };
    const input = { flow, limits: this.props.limits, begin };
    await this.props.workflows.start(flow, input, newMemo('Stopping', begin.at));
  }
}

/** Whether a request was refused because the flow's workflow has closed. */
export function isClosedError(error: unknown): boolean {
  return error instanceof StateError && error.code === 'flow-missing';
}

/** Whether a workflow was not started because the flow has an open one. */
export function isOpenError(error: unknown): boolean {
  return error instanceof StateError && error.code === 'flow-exists';
}

/** The error for a request that a closed flow does not allow. */
export function closedError(flow: FlowKey, { status }: Pick<FlowStatus, 'status'>, advice: string): StateError {
  return new StateError('state-invalid', `${flowName(flow)} is ${status}: ${advice}`, { where: flowName(flow) });
}

function originOf({ by, comment }: Requester): RequestOrigin {
  return { by, at: new Date().toISOString(), ...(comment === undefined ? {} : { comment }) };
}

function predecessorOf(record: FlowRecord | undefined): { readonly record?: FlowRecord } {
  return record === undefined ? {} : { record };
}

function newMemo(phase: 'Running' | 'Stopping', at: string): Omit<FlowMemo, 'runId'> {
  return {
    phase,
    since: at,
    startTime: at,
    revision: 0,
    digest: '',
    mode: 'stream',
    isSettled: false,
    pauses: {},
    ended: [],
  };
}
