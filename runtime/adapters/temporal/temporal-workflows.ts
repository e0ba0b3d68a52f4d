import { randomUUID } from 'node:crypto';
import {
  type Client,
  isGrpcServiceError,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionInfo,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { ConfigError, StateError } from '../../../lib/errors';
import { type FlowKey, flowName, parseFlowName } from '../../api-contract/flow-key';
import {
  closedFailure,
  type FlowInput,
  type FlowMemo,
  type FlowRequest,
  memoKey,
  observedSignal,
  workflowType,
} from '../../controller/flows/ports/flow-request';
import type { WorkflowClose, Workflows, WorkflowView } from '../../controller/ports/workflows';

/** A request waits this long for a server, or a worker, that is away. */
const deadlineMs = 15_000;

/** A workflow task that a killed worker had is given to another one after this long. */
const workflowTaskTimeout = '3 seconds';

/** Flows' workflows on a Temporal server: the workflow's id is `<namespace>/<jobId>`. */
export class TemporalWorkflows implements Workflows {
  constructor(
    private readonly client: Client,
    private readonly taskQueue: string,
  ) {}

  async start(input: FlowInput, memo: Omit<FlowMemo, 'runId'>): Promise<string> {
    const workflowId = flowName(input.flow);
    return this.ask(workflowId, async () => {
      try {
        const handle = await this.client.workflow.start(workflowType, {
          workflowId,
          taskQueue: this.taskQueue,
          args: [input],
          memo: { [memoKey]: memo },
          workflowTaskTimeout,
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          workflowIdConflictPolicy: 'FAIL',
        });
        return handle.firstExecutionRunId;
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        throw new StateError('flow-exists', `the flow ${workflowId} runs already`, { where: workflowId, cause: error });
      }
    });
  }

  request(flow: FlowKey, request: FlowRequest, key: string = randomUUID()): Promise<FlowMemo> {
    const workflowId = flowName(flow);
    const updateId = `${request.kind}/${key}`;
    return this.ask(workflowId, async () => {
      try {
        const handle = this.client.workflow.getHandle(workflowId);
        return await handle.executeUpdate<FlowMemo, [FlowRequest]>(request.kind, { args: [request], updateId });
      } catch (error) {
        throw refusalOf(error, workflowId);
      }
    });
  }

  describe(flow: FlowKey): Promise<WorkflowView | undefined> {
    const workflowId = flowName(flow);
    return this.ask(workflowId, async () => {
      try {
        const description = await this.client.workflow.getHandle(workflowId).describe();
        const failed = description.raw.pendingActivities?.find(({ lastFailure }) => lastFailure);
        const trouble = failed?.lastFailure?.message;
        return { ...viewOf(flow, description), ...(trouble ? { trouble } : {}) };
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return undefined;
        throw error;
      }
    });
  }

  open(namespace?: string): Promise<readonly WorkflowView[]> {
    const within = namespace === undefined ? '' : ` AND WorkflowId STARTS_WITH '${namespace}/'`;
    const query = `WorkflowType = '${workflowType}' AND ExecutionStatus = 'Running'${within}`;
    return this.ask('the list of flows', async () => {
      const views: WorkflowView[] = [];
      for await (const info of this.client.workflow.list({ query, pageSize: 1_000 })) {
        const flow = parseFlowName(info.workflowId);
        if (flow !== undefined) views.push(viewOf(flow, info));
      }
      return views;
    });
  }

  observed(flow: FlowKey): Promise<boolean> {
    const workflowId = flowName(flow);
    return this.ask(workflowId, async () => {
      try {
        await this.client.workflow.getHandle(workflowId).signal(observedSignal);
        return true;
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return false;
        throw error;
      }
    });
  }

  async closeAs(flow: FlowKey, { status, reason, runId }: WorkflowClose): Promise<void> {
    const handle = this.client.workflow.getHandle(flowName(flow), runId);
    await this.ask(flowName(flow), async () => {
      try {
        if (status === 'Canceled') await handle.cancel();
        else await handle.terminate(reason);
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error; // it has ended
      }
    });
  }

  async ping(): Promise<void> {
    await this.ask('the server', () => this.client.workflowService.getSystemInfo({}));
  }

  /** A request with its deadline, its errors in our words. */
  private async ask<T>(what: string, request: () => Promise<T>): Promise<T> {
    try {
      return await this.client.withDeadline(Date.now() + deadlineMs, request);
    } catch (error) {
      const isAway = isGrpcServiceError(error) || error instanceof WorkflowUpdateRPCTimeoutOrCancelledError;
      const cause = (error as Error).cause;
      if (!isAway && !isGrpcServiceError(cause)) throw error;
      const reason = isGrpcServiceError(cause) ? cause.details : (error as Error).message;
      throw new ConfigError(
        'server-failed',
        `${what}: Temporal has not done it within ${deadlineMs / 1_000} s: ${reason}`,
        {
          cause: error,
          where: what,
        },
      );
    }
  }
}

function refusalOf(error: unknown, workflowId: string): unknown {
  const refused = error instanceof WorkflowUpdateFailedError ? error.cause : undefined;
  if (refused instanceof ApplicationFailure && refused.type !== closedFailure) {
    return new StateError('state-invalid', `${workflowId}: ${refused.message}`, {
      where: workflowId,
      cause: error,
    });
  }
  const isGone = error instanceof WorkflowNotFoundError || error instanceof WorkflowUpdateFailedError;
  if (!isGone) return error;
  return new StateError('flow-missing', `the flow ${workflowId} does not run`, { where: workflowId, cause: error });
}

function viewOf(flow: FlowKey, info: Omit<WorkflowExecutionInfo, 'raw'>): WorkflowView {
  const { status, runId, startTime, closeTime, memo } = info;
  return {
    flow,
    isOpen: status.name === 'RUNNING' || status.name === 'PAUSED',
    status: statuses[status.name] ?? 'Terminated',
    memo: memo?.[memoKey] as FlowMemo | undefined,
    runId,
    startTime: startTime.toISOString(),
    ...(closeTime === undefined ? {} : { closeTime: closeTime.toISOString() }),
  };
}

const statuses: { readonly [name: string]: WorkflowView['status'] } = {
  RUNNING: 'Running',
  PAUSED: 'Running',
  CONTINUED_AS_NEW: 'Running',
  COMPLETED: 'Completed',
  FAILED: 'Failed',
  CANCELLED: 'Canceled',
  TERMINATED: 'Terminated',
};
