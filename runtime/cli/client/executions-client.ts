import { z } from 'zod';
import {
  type ApproveRequest,
  type CancelRequest,
  type EndStepRequest,
  type ExecutionArchive,
  executionArchiveSchema,
  type ResumeRequest,
  type ScheduleSpec,
  type ScheduleView,
  type StartedExecution,
  type StartRequest,
  scheduleSchema,
  startedExecutionSchema,
} from '../../api-contract/execution-changes';
import type { ExecutionKey } from '../../api-contract/execution-key';
import {
  type ExecutionDetail,
  type ExecutionQuery,
  type ExecutionView,
  executionDetailSchema,
  executionSchema,
  type TraceEntry,
  traceEntrySchema,
} from '../../api-contract/execution-status';
import {
  type PublishEvent,
  type TaskEventQuery,
  type TaskEventView,
  type TaskWorkerView,
  taskEventSchema,
  taskWorkerSchema,
} from '../../api-contract/task-events';
import { queryOf } from './controller-client';
import type { ControllerConnection } from './controller-connection';
import { serverSentEvents } from './event-stream';
import { JsonRoutes } from './json-routes';

/** Executions of a list that one request returns. */
const pageSize = 500;

/** Bodies of changes that answer with the execution, by the last part of their path. */
interface ExecutionChanges {
  readonly cancel: CancelRequest;
  readonly terminate: Record<string, never>;
  readonly resume: ResumeRequest;
  readonly approve: Partial<ApproveRequest>;
  readonly end: EndStepRequest;
}

/** The routes of a controller for executions. Throws as `ControllerClient` does. */
export class ExecutionsClient {
  private readonly routes: JsonRoutes;

  /** `comment`: reason for the audit log. */
  constructor(
    private readonly connection: ControllerConnection,
    comment?: string,
  ) {
    this.routes = new JsonRoutes(connection, comment);
  }

  start(namespace: string, request: Partial<StartRequest>): Promise<StartedExecution> {
    return this.routes.post(startedExecutionSchema, `/executions/v1/${encodeURIComponent(namespace)}`, request);
  }

  schedule(
    namespace: string,
    request: Partial<StartRequest> & { readonly schedule: Partial<ScheduleSpec> },
  ): Promise<ScheduleView> {
    return this.routes.post(scheduleSchema, `/executions/v1/${encodeURIComponent(namespace)}`, request);
  }

  schedules(namespace: string | undefined): Promise<ScheduleView[]> {
    return this.routes.get(z.array(scheduleSchema), `/executions/schedules/v1${queryOf({ namespace })}`);
  }

  async unschedule({ namespace, execution }: ExecutionKey): Promise<void> {
    const path = `/executions/schedules/v1/${encodeURIComponent(namespace)}/${encodeURIComponent(execution)}`;
    await this.routes.delete(path);
  }

  /** The newest executions of a namespace, or of all. */
  async list(
    namespace: string | undefined,
    { limit, attribute, ...conditions }: Partial<ExecutionQuery> & { readonly limit: number },
  ): Promise<readonly ExecutionView[]> {
    const found: ExecutionView[] = [];
    let next: string | undefined;
    const attributes = [attribute ?? []]
      .flat()
      .map((each) => `&attribute=${encodeURIComponent(each)}`)
      .join('');
    do {
      const query = queryOf({ ...conditions, limit: Math.min(pageSize, limit - found.length), continue: next });
      const path = `/executions/v1${namespace === undefined ? '' : `/${encodeURIComponent(namespace)}`}`;
      const answer = await this.connection.get(`${path}${query}${attributes}`);
      found.push(...(await this.connection.json(z.array(executionSchema), answer)));
      next = answer.headers.get('kflow-continue') || undefined;
    } while (next !== undefined && found.length < limit);
    return found;
  }

  show(key: ExecutionKey): Promise<ExecutionDetail> {
    return this.routes.get(executionDetailSchema, pathOf(key));
  }

  trace(key: ExecutionKey): Promise<TraceEntry[]> {
    return this.routes.get(z.array(traceEntrySchema), `${pathOf(key)}/trace`);
  }

  /** The execution when it has ended, or as it is after so many seconds. */
  wait(key: ExecutionKey, seconds: number): Promise<ExecutionDetail> {
    return this.routes.get(executionDetailSchema, `${pathOf(key)}/wait${queryOf({ seconds })}`);
  }

  /** The current state, then every changed state until the execution has ended. */
  async *follow(key: ExecutionKey, signal?: AbortSignal): AsyncGenerator<ExecutionDetail> {
    const body = await this.connection.stream(pathOf(key), { accept: 'text/event-stream', signal, isKeptAlive: true });
    for await (const { event, data } of serverSentEvents(body)) {
      if (event === 'status') yield this.connection.checked(executionDetailSchema, data);
    }
  }

  change<Kind extends keyof ExecutionChanges>(
    key: ExecutionKey,
    kind: Kind,
    body: ExecutionChanges[Kind],
  ): Promise<ExecutionView> {
    return this.routes.post(executionSchema, `${pathOf(key)}/${kind}`, body);
  }

  archive(key: ExecutionKey): Promise<ExecutionArchive> {
    return this.routes.get(executionArchiveSchema, `${pathOf(key)}/archive`);
  }

  /** Writes the archive to `s3://bucket/key`. */
  async storeArchive(key: ExecutionKey, uri: string): Promise<void> {
    await this.routes.post(z.object({ uri: z.string() }), `${pathOf(key)}/archive`, { uri });
  }

  restore(
    namespace: string,
    from: { readonly archive: ExecutionArchive } | { readonly uri: string },
    id: string | undefined,
  ): Promise<ExecutionView> {
    return this.routes.post(executionSchema, `/executions/restore/v1/${encodeURIComponent(namespace)}`, {
      ...from,
      id,
    });
  }

  async delete(key: ExecutionKey): Promise<void> {
    await this.routes.delete(pathOf(key));
  }

  publish(namespace: string, event: Partial<PublishEvent>): Promise<TaskEventView> {
    return this.routes.post(taskEventSchema, eventsPath(namespace), event);
  }

  events(namespace: string, query: Partial<TaskEventQuery>): Promise<TaskEventView[]> {
    return this.routes.get(z.array(taskEventSchema), `${eventsPath(namespace)}${queryOf(query)}`);
  }

  /** The last events, then new ones, and events again that get a receipt. */
  async *followEvents(namespace: string, query: Partial<TaskEventQuery>): AsyncGenerator<TaskEventView> {
    const path = `${eventsPath(namespace)}${queryOf(query)}`;
    const body = await this.connection.stream(path, { accept: 'text/event-stream', isKeptAlive: true });
    for await (const { data } of serverSentEvents(body)) yield this.connection.checked(taskEventSchema, data);
  }

  workers(namespace: string): Promise<TaskWorkerView[]> {
    return this.routes.get(z.array(taskWorkerSchema), `/executions/workers/v1/${encodeURIComponent(namespace)}`);
  }
}

function pathOf({ namespace, execution }: ExecutionKey): string {
  return `/executions/v1/${encodeURIComponent(namespace)}/${encodeURIComponent(execution)}`;
}

function eventsPath(namespace: string): string {
  return `/executions/events/v1/${encodeURIComponent(namespace)}`;
}
