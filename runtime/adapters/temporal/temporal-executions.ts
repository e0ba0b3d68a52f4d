import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  type WorkflowHandle,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { ConfigError, StateError } from '../../../lib/errors';
import { type ExecutionKey, executionName } from '../../api-contract/execution-key';
import type { ExecutionView } from '../../api-contract/execution-status';
import { pause } from '../../async/pause';
import {
  type Answer,
  type AttemptAnswer,
  answered,
  askUpdate,
  commandUpdate,
  type ExecutionCommand,
  type ExecutionInput,
  type ExecutionRun,
  type ExecutionWorkflows,
  executionType,
  executionWorkflowId,
  parseExecutionWorkflowId,
  type Question,
  reportSignal,
  type SnapshotAnswer,
  type StepReport,
  snapshotQuery,
} from '../../controller/executions/ports/execution-workflow';
import type { SignalMark } from '../../controller/executions/ports/signal-marks';
import type { StepRef } from '../../controller/executions/ports/step-ref';
import { callTemporal } from './call-temporal';
import { ExecutionQuestions } from './execution-questions';
import { queuePrefix } from './workflow-ids';

const memoKey = 'incarnation';
/** A workflow answers after its local activities, or when its task is renewed: twice in 16 s while nats is away. */
const answerMs = 30_000;
/** After a Temporal that could not say whether a workflow has ended. */
const askAgainMs = 500;
/** Types of the failures with which a workflow refuses a command. */
const refusalCodes = ['state-invalid', 'step-missing', 'answers-invalid'] as const;

/** The workflows of executions on a Temporal server. */
export class TemporalExecutions implements ExecutionWorkflows {
  private readonly questions = new ExecutionQuestions((key, questions) => this.answersOf(key, questions));

  constructor(
    private readonly client: Client,
    private readonly taskQueue: string,
  ) {}

  start(definition: Parameters<ExecutionWorkflows['start']>[0], input: ExecutionInput): Promise<boolean> {
    return this.call(definition, async () => {
      try {
        await this.client.workflow.start(executionType, {
          workflowId: this.idOf(definition),
          taskQueue: this.taskQueue,
          args: [input],
          memo: { [memoKey]: definition.incarnation },
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          workflowIdConflictPolicy: 'FAIL',
        });
        return true;
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
        throw error;
      }
    });
  }

  describe(key: ExecutionKey): Promise<ExecutionRun | undefined> {
    return this.call(key, () =>
      unlessMissing(async () => {
        const { status, runId, memo, closeTime } = await this.handleOf(key).describe();
        return {
          runId,
          isOpen: status.name === 'RUNNING',
          incarnation: memo?.[memoKey] as string | undefined,
          ...(closeTime === undefined ? {} : { closedMs: closeTime.getTime() }),
        };
      }),
    );
  }

  open(): Promise<readonly ExecutionKey[]> {
    const query = `WorkflowType = '${executionType}' AND TaskQueue = '${this.taskQueue}' AND ExecutionStatus = 'Running'`;
    return callTemporal(this.client, 'the list of executions', async () => {
      const found: ExecutionKey[] = [];
      for await (const { workflowId } of this.client.workflow.list({ query, pageSize: 1_000 })) {
        const key = parseExecutionWorkflowId(workflowId.slice(queuePrefix(this.taskQueue).length));
        if (key !== undefined) found.push(key);
      }
      return found;
    });
  }

  async report(key: ExecutionKey, reports: readonly StepReport[], mark: SignalMark): Promise<boolean> {
    return this.call(key, async () => {
      const sent = await unlessMissing(async () => {
        await this.handleOf(key).signal<[readonly StepReport[], SignalMark]>(reportSignal, reports, mark);
        return true;
      });
      return sent ?? false;
    });
  }

  async unreceived(key: ExecutionKey, marks: readonly SignalMark[]): Promise<readonly number[]> {
    return (await this.questions.ask(key, { kind: 'unreceived', marks })) ?? [];
  }

  async isWaitingFor(key: ExecutionKey, { execution: _, ...ref }: StepRef, worker?: string): Promise<AttemptAnswer> {
    const asker = worker === undefined ? {} : { worker };
    return (await this.questions.ask(key, { kind: 'attempt', ref, ...asker })) ?? false;
  }

  command(key: ExecutionKey, command: ExecutionCommand, idempotencyKey?: string): Promise<ExecutionView> {
    return this.call(key, async () => {
      try {
        return await this.handleOf(key).executeUpdate<ExecutionView, [ExecutionCommand]>(commandUpdate, {
          args: [command],
          ...(idempotencyKey === undefined ? {} : { updateId: `${command.kind}/${idempotencyKey}` }),
        });
      } catch (cause) {
        throw refusalOf(cause, key);
      }
    });
  }

  async snapshot(key: ExecutionKey): Promise<SnapshotAnswer | undefined> {
    const answer = await this.questions.ask(key, { kind: 'snapshot' });
    return (answer === undefined ? await this.lastSnapshot(key) : answer) ?? undefined;
  }

  async ended(key: ExecutionKey, atMostMs: number, signal?: AbortSignal): Promise<void> {
    const { client } = this;
    const late = AbortSignal.timeout(atMostMs);
    const either = signal === undefined ? late : AbortSignal.any([late, signal]);
    while (!either.aborted) {
      try {
        await client.withAbortSignal(either, () => this.handleOf(key).result());
        return;
      } catch (error) {
        // ended otherwise than completed, or gone: the caller reads how it is
        if (error instanceof WorkflowFailedError || error instanceof WorkflowNotFoundError) return;
        await pause(askAgainMs, either);
      }
    }
  }

  /** Of a workflow that has ended. */
  private async lastSnapshot(key: ExecutionKey): Promise<SnapshotAnswer | null | undefined> {
    const run = await this.describe(key);
    if (run === undefined || run.isOpen) return undefined;
    return this.call(key, () => unlessMissing(() => this.handleOf(key).query<SnapshotAnswer | null>(snapshotQuery)));
  }

  /** Undefined when the workflow has ended, or is missing. */
  private async answersOf(key: ExecutionKey, questions: readonly Question[]): Promise<readonly Answer[] | undefined> {
    const failure = await this.call(key, () => unlessMissing(() => this.refusal(key, questions)), answerMs);
    if (failure === undefined) return undefined;
    if (failure instanceof ApplicationFailure && failure.type === answered) return failure.details?.[0] as Answer[];
    // it ended meanwhile, or a controller of another version runs it
    if ((await this.describe(key))?.isOpen !== true) return undefined;
    const name = executionName(key);
    const message = `${name}: the workflow did not answer: ${failure.message}`;
    throw new ConfigError('server-failed', message, { where: name, cause: failure });
  }

  private async refusal(key: ExecutionKey, questions: readonly Question[]): Promise<Error> {
    try {
      await this.handleOf(key).executeUpdate<void, [readonly Question[]]>(askUpdate, { args: [questions] });
      return new Error('it accepted the question');
    } catch (error) {
      if (error instanceof WorkflowUpdateFailedError) return error.cause ?? error;
      throw error;
    }
  }

  private handleOf(key: ExecutionKey): WorkflowHandle {
    return this.client.workflow.getHandle(this.idOf(key));
  }

  private idOf(key: ExecutionKey): string {
    return `${queuePrefix(this.taskQueue)}${executionWorkflowId(key)}`;
  }

  private call<T>(key: ExecutionKey, request: () => Promise<T>, deadlineMs?: number): Promise<T> {
    return callTemporal(this.client, executionName(key), request, deadlineMs);
  }
}

async function unlessMissing<T>(request: () => Promise<T>): Promise<T | undefined> {
  try {
    return await request();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

function refusalOf(cause: unknown, key: ExecutionKey): unknown {
  const name = executionName(key);
  const refused = cause instanceof WorkflowUpdateFailedError ? cause.cause : undefined;
  const detail = { where: name, cause };
  const code = refusalCodes.find((each) => refused instanceof ApplicationFailure && refused.type === each);
  if (refused !== undefined && code !== undefined) return new StateError(code, `${name}: ${refused.message}`, detail);
  const isClosed = cause instanceof WorkflowNotFoundError || cause instanceof WorkflowUpdateFailedError;
  return isClosed ? new StateError('state-invalid', `${name}: the execution has ended`, detail) : cause;
}
