import { randomUUID } from 'node:crypto';
import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionInfo,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { StateError } from '../../../lib/errors';
import type {
  DriftCause,
  WorkflowClose,
  WorkflowKind,
  Workflows,
  WorkflowView,
} from '../../controller/ports/workflows';
import { callTemporal } from './call-temporal';
import { pendingFailure } from './pending-failure';
import { queuePrefix, workflowTaskTimeout } from './workflow-ids';

/** Workflows of one kind on a Temporal server. */
export class TemporalWorkflows<Input, Request extends { readonly kind: string }, Memo, Key>
  implements Workflows<Input, Request, Memo, Key>
{
  constructor(
    private readonly client: Client,
    private readonly taskQueue: string,
    private readonly kind: WorkflowKind<Key>,
  ) {}

  start(key: Key, input: Input, memo: Omit<Memo, 'runId'>): Promise<string> {
    const { type, memoKey, noun, existsCode, idOf } = this.kind;
    const workflowId = this.workflowIdOf(key);
    const name = idOf(key);
    return this.call(name, async () => {
      try {
        const handle = await this.client.workflow.start(type, {
          workflowId,
          taskQueue: this.taskQueue,
          args: [input],
          memo: { [memoKey]: memo },
          workflowTaskTimeout,
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          workflowIdConflictPolicy: 'FAIL',
        });
        return handle.firstExecutionRunId;
      } catch (cause) {
        if (!(cause instanceof WorkflowExecutionAlreadyStartedError)) throw cause;
        throw new StateError(existsCode, `the ${noun} ${name} is already running`, { where: name, cause });
      }
    });
  }

  request(key: Key, request: Request, idempotencyKey: string = randomUUID()): Promise<Memo> {
    const name = this.kind.idOf(key);
    const updateId = `${request.kind}/${idempotencyKey}`;
    return this.call(name, async () => {
      try {
        const handle = this.client.workflow.getHandle(this.workflowIdOf(key));
        return await handle.executeUpdate<Memo, [Request]>(request.kind, { args: [request], updateId });
      } catch (error) {
        throw this.refusalOf(error, name);
      }
    });
  }

  describe(key: Key): Promise<WorkflowView<Memo, Key> | undefined> {
    const workflowId = this.workflowIdOf(key);
    return this.call(this.kind.idOf(key), async () => {
      try {
        const description = await this.client.workflow.getHandle(workflowId).describe();
        const lastFailure = pendingFailure(description.raw.pendingActivities ?? []);
        return { ...this.viewOf(key, description), ...(lastFailure ? { lastFailure } : {}) };
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return undefined;
        throw error;
      }
    });
  }

  open(namespace?: string): Promise<readonly WorkflowView<Memo, Key>[]> {
    const { type, noun, idPrefixOf } = this.kind;
    const start = `${this.idPrefix}${namespace === undefined ? '' : idPrefixOf(namespace)}`;
    const prefix = start === '' ? '' : ` AND WorkflowId STARTS_WITH '${start}'`;
    const own = `WorkflowType = '${type}' AND TaskQueue = '${this.taskQueue}'`;
    const query = `${own} AND ExecutionStatus = 'Running'${prefix}`;
    return this.call(`the list of ${noun}s`, async () => {
      const views: WorkflowView<Memo, Key>[] = [];
      for await (const info of this.client.workflow.list({ query, pageSize: 1_000 })) {
        const key = this.keyOf(info.workflowId);
        if (key !== undefined) views.push(this.viewOf(key, info));
      }
      return views;
    });
  }

  observed(key: Key, drift?: string, cause?: DriftCause): Promise<boolean> {
    return this.call(this.kind.idOf(key), async () => {
      try {
        await this.client.workflow
          .getHandle(this.workflowIdOf(key))
          .signal(this.kind.observedSignal, ...[drift, cause].filter((each) => each !== undefined));
        return true;
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return false;
        throw error;
      }
    });
  }

  async closeAs(key: Key, { status, reason, runId }: WorkflowClose): Promise<void> {
    const handle = this.client.workflow.getHandle(this.workflowIdOf(key), runId);
    await this.call(this.kind.idOf(key), async () => {
      try {
        if (status === 'Canceled') await handle.cancel();
        else await handle.terminate(reason);
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error; // the run has closed already
      }
    });
  }

  async ping(): Promise<void> {
    await this.call('the server', () => this.client.workflowService.getSystemInfo({}));
  }

  private call<T>(where: string, request: () => Promise<T>): Promise<T> {
    return callTemporal(this.client, where, request);
  }

  private get idPrefix(): string {
    return queuePrefix(this.taskQueue);
  }

  private workflowIdOf(key: Key): string {
    return `${this.idPrefix}${this.kind.idOf(key)}`;
  }

  private keyOf(workflowId: string): Key | undefined {
    const { idPrefix } = this;
    return workflowId.startsWith(idPrefix) ? this.kind.keyOf(workflowId.slice(idPrefix.length)) : undefined;
  }

  private refusalOf(error: unknown, name: string): unknown {
    const { closedFailure, missingCode, noun } = this.kind;
    const refused = error instanceof WorkflowUpdateFailedError ? error.cause : undefined;
    const detail = { where: name, cause: error };
    if (refused instanceof ApplicationFailure && refused.type !== closedFailure)
      return new StateError('state-invalid', `${name}: ${refused.message}`, detail);
    const isClosed = error instanceof WorkflowNotFoundError || error instanceof WorkflowUpdateFailedError;
    return isClosed ? new StateError(missingCode, `the ${noun} ${name} is not running`, detail) : error;
  }

  private viewOf(key: Key, info: Omit<WorkflowExecutionInfo, 'raw'>): WorkflowView<Memo, Key> {
    const { type, status, runId, startTime, closeTime, memo } = info;
    return {
      key,
      isOpen: status.name === 'RUNNING' || status.name === 'PAUSED',
      status: statuses[status.name] ?? 'Terminated',
      memo: type === this.kind.type ? (memo?.[this.kind.memoKey] as Memo | undefined) : undefined,
      runId,
      startTime: startTime.toISOString(),
      ...(closeTime === undefined ? {} : { closeTime: closeTime.toISOString() }),
    };
  }
}

const statuses: { readonly [name: string]: WorkflowView<unknown, unknown>['status'] } = {
  RUNNING: 'Running',
  PAUSED: 'Running',
  CONTINUED_AS_NEW: 'Running',
  COMPLETED: 'Completed',
  FAILED: 'Failed',
  CANCELLED: 'Canceled',
  TERMINATED: 'Terminated',
};
