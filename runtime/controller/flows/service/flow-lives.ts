import { StateError } from '../../../../lib/errors';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import type { FlowStatus } from '../../../api-contract/flow-status';
import { waitUntil } from '../../../async/poll';
import { retry } from '../../../async/retry';
import { isClosedPhase } from '../ports/flow-phase';
import type { FlowRecord } from '../ports/flow-record';
import type { FlowCommand } from '../ports/flow-request';
import type { Ending, Requester } from '../ports/flow-service';
import type { FlowLimits, FlowMemo, FlowWorkflows, FlowWorkflowView } from '../ports/flow-workflow';
import type { FlowStatuses } from './flow-statuses';

export interface FlowLivesProps {
  readonly workflows: FlowWorkflows;
  readonly statuses: FlowStatuses;
  readonly limits: FlowLimits;
}

/** What a life of a flow begins with. */
export interface LifeBegin {
  readonly requester: Requester;
  /** What an earlier life has left. */
  readonly record: FlowRecord | undefined;
}

/** A workflow that says that it has closed does so within moments. */
const closing = { intervalMs: 50, timeoutMs: 5_000 };

/** The workflows of flows, as lives that begin, take requests, and end. */
export class FlowLives {
  constructor(private readonly props: FlowLivesProps) {}

  /** The present or last life; one that is about to close has closed. */
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
   * What a flow that runs says of itself. Throws StateError `flow-missing`, or `state-invalid` when it has closed or its
   * data goes.
   */
  async open(flow: FlowKey): Promise<FlowMemo> {
    const view = await this.describe(flow);
    if (!view?.isOpen || view.memo === undefined) {
      throw closedError(flow, await this.props.statuses.of(flow), 'submit it again first');
    }
    if (view.memo.digest !== '') return view.memo;
    const message = `${flowName(flow)} is being deleted; submit it again when it is gone`;
    throw new StateError('state-invalid', message, { where: flowName(flow) });
  }

  /** Throws as `open`, and StateError `state-invalid` with the workflow's reason. */
  async request(flow: FlowKey, wish: FlowCommand, requester: Requester): Promise<void> {
    await this.open(flow);
    try {
      await this.ask(flow, wish, requester);
    } catch (error) {
      if (hasClosed(error)) await this.open(flow); // meanwhile, which is told as ever
      throw error;
    }
  }

  /** The same, of a flow whose data may be going. Throws StateError `flow-missing` when its workflow has closed. */
  async ask(flow: FlowKey, wish: FlowCommand, requester: Requester): Promise<void> {
    const request = { ...wish, ...asked(requester) };
    await retry(() => this.props.workflows.request(flow, request, requester.idempotencyKey), {
      // a workflow may refuse requests as closed before it has closed
      isRetryable: async (error) => hasClosed(error) && (await this.describe(flow))?.isOpen === true,
      delays: () => closing.intervalMs,
      timeoutMs: closing.timeoutMs,
    });
  }

  /** Begins a life with a document. Throws StateError `flow-exists` when the flow runs. */
  async begin(
    flow: FlowKey,
    document: Pick<FlowMemo, 'digest' | 'mode'>,
    { record, requester }: LifeBegin,
  ): Promise<void> {
    const last = record?.revisions.at(-1);
    const revision = (last?.number ?? 0) + Number(last?.digest !== document.digest);
    const begin = { kind: 'submit' as const, ...document, ...leftOf(record), ...asked(requester) };
    const input = { flow, limits: this.props.limits, begin };
    await this.props.workflows.start(flow, input, { ...newMemo('Running', begin.at), ...document, revision });
  }

  /** A life that only ends what is left. */
  async beginEnd(flow: FlowKey, ending: Ending, { record, requester }: LifeBegin): Promise<void> {
    const begin = { kind: 'end' as const, ending, ...leftOf(record), ...asked(requester) };
    const input = { flow, limits: this.props.limits, begin };
    await this.props.workflows.start(flow, input, newMemo('Stopping', begin.at));
  }
}

/** Whether a request was refused because the flow's workflow does not run any more. */
export function hasClosed(error: unknown): boolean {
  return error instanceof StateError && error.code === 'flow-missing';
}

/** For what a flow that has closed does not allow. */
export function closedError(flow: FlowKey, { status }: Pick<FlowStatus, 'status'>, toDo: string): StateError {
  return new StateError('state-invalid', `${flowName(flow)} is ${status}: ${toDo}`, { where: flowName(flow) });
}

function asked({ by, comment }: Requester): { readonly by: string; readonly at: string; readonly comment?: string } {
  return { by, at: new Date().toISOString(), ...(comment === undefined ? {} : { comment }) };
}

function leftOf(record: FlowRecord | undefined): { readonly record?: FlowRecord } {
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
