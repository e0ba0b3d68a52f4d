import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { StateError } from '../../lib/errors';
import type { Advance, ExecutionState } from '../../lib/tasks/advance/execution-state';
import { GraphReader } from '../../lib/tasks/advance/graph-reader';
import { restoreExecution } from '../../lib/tasks/advance/restore-execution';
import { resumeExecution } from '../../lib/tasks/advance/resume-execution';
import { TaskExecution } from '../../lib/tasks/advance/task-execution';
import { compileTaskFlow } from '../../lib/tasks/compile/compile-task-flow';
import type { TaskGraph } from '../../lib/tasks/graph/task-graph';
import { TopologyError } from '../../lib/topology/problem/problem';
import type {
  ApproveRequest,
  EndStepRequest,
  ExecutionArchive,
  ResumeRequest,
  ScheduleSpec,
  ScheduleView,
  StartRequest,
} from '../../runtime/api-contract/execution-changes';
import { type ExecutionKey, executionName } from '../../runtime/api-contract/execution-key';
import { executionPhases } from '../../runtime/api-contract/execution-phase';
import type {
  ExecutionDetail,
  ExecutionList,
  ExecutionQuery,
  ExecutionView,
  TraceEntry,
} from '../../runtime/api-contract/execution-status';
import type {
  EndTask,
  PublishEvent,
  TaskEventQuery,
  TaskEventView,
  TaskWorkerView,
} from '../../runtime/api-contract/task-events';
import type {
  ExecutionRecord,
  ExecutionService,
  StartResult,
  TaskEnd,
} from '../../runtime/controller/executions/ports/execution-service';
import { archiveIn } from '../../runtime/controller/executions/service/execution-archive';
import type { Requester } from '../../runtime/controller/flows/ports/flow-service';

interface Held {
  readonly key: ExecutionKey;
  readonly graph: TaskGraph;
  readonly start: StartRequest;
  run: TaskExecution;
  number: number;
  isStopping: boolean;
  readonly startedAt: string;
  endedAt?: string;
  readonly trace: TraceEntry[];
}

/** Executions in memory. A step runs until the test ends it: see `end` and `fail`. */
export class MemoryExecutions implements ExecutionService {
  readonly requests: { readonly what: string; readonly by: string; readonly comment?: string }[] = [];
  readonly workersOf = new Map<string, TaskWorkerView[]>();
  readonly objects = new Map<string, string>();
  private readonly held = new Map<string, Held>();
  private readonly kept = new Map<string, ScheduleView>();
  private readonly published = new Map<string, TaskEventView[]>();
  private readonly changes = new EventEmitter().setMaxListeners(0);

  /** A running step ends, by the name of its task. */
  end(key: ExecutionKey, name: string, output?: unknown): void {
    const held = this.find(key);
    const id = runningStep(held, name);
    this.note(held, { step: id, name, what: 'succeeded' });
    this.take(held, held.run.advance({ kind: 'succeeded', id, output }));
  }

  fail(key: ExecutionKey, name: string, message: string): void {
    const held = this.find(key);
    const id = runningStep(held, name);
    this.note(held, { step: id, name, what: 'failed', message });
    this.take(held, held.run.advance({ kind: 'failed', id, error: { code: 'task-failed', message, attempts: 1 } }));
  }

  async start(namespace: string, request: StartRequest, requester: Requester): Promise<StartResult> {
    this.log('start', requester);
    const graph = compiled(request.flow);
    const { id = [graph.name, randomUUID()].filter((part) => part !== undefined).join('-') } = request;
    const key = { namespace, execution: id };
    const known = this.held.get(executionName(key));
    if (known !== undefined) return { outcome: 'attached', execution: viewOf(known) };
    const run = new TaskExecution(new GraphReader(graph), request.input ?? {});
    const held = this.hold({ key, graph, start: request, run });
    this.note(held, { what: 'started', by: requester.by });
    this.take(held, run.start());
    return { outcome: 'started', execution: viewOf(held) };
  }

  async list(namespace: string | undefined, query: ExecutionQuery): Promise<ExecutionList> {
    const wanted = [query.attribute ?? []].flat();
    const all = [...this.held.values()]
      .reverse()
      .filter(({ key }) => namespace === undefined || key.namespace === namespace)
      .map(viewOf)
      .filter(({ status }) => query.status === undefined || status === query.status)
      .filter(({ name }) => query.name === undefined || name === query.name)
      .filter(({ attributes }) =>
        wanted.every((each) => `${attributes[each.split('=')[0] ?? '']}` === each.split('=')[1]),
      );
    const from = Number(query.continue ?? 0);
    const next = from + query.limit;
    return { executions: all.slice(from, next), ...(next < all.length ? { continue: String(next) } : {}) };
  }

  async get(key: ExecutionKey): Promise<ExecutionDetail> {
    return detailOf(this.find(key));
  }

  async record(key: ExecutionKey): Promise<ExecutionRecord> {
    const held = this.find(key);
    return { graph: held.graph, detail: detailOf(held), trace: [...held.trace] };
  }

  async trace(key: ExecutionKey): Promise<readonly TraceEntry[]> {
    return [...this.find(key).trace];
  }

  async *follow(key: ExecutionKey, signal: AbortSignal): AsyncGenerator<ExecutionDetail> {
    while (!signal.aborted) {
      const detail = detailOf(this.find(key));
      yield detail;
      if (executionPhases[detail.status].isClosed) return;
      await this.changed(signal);
    }
  }

  async wait(key: ExecutionKey, atMostMs: number, signal: AbortSignal): Promise<ExecutionDetail> {
    const until = AbortSignal.any([signal, AbortSignal.timeout(atMostMs)]);
    while (!executionPhases[detailOf(this.find(key)).status].isClosed && !until.aborted) await this.changed(until);
    return detailOf(this.find(key));
  }

  async cancel(key: ExecutionKey, _request: object, requester: Requester): Promise<ExecutionView> {
    const held = this.open(key, 'cancel', requester);
    held.isStopping = true;
    this.note(held, { what: 'cancel requested', by: requester.by });
    this.take(held, held.run.advance({ kind: 'cancel' }));
    return viewOf(held);
  }

  async terminate(key: ExecutionKey, requester: Requester): Promise<ExecutionView> {
    const held = this.open(key, 'terminate', requester);
    held.isStopping = true;
    this.take(held, held.run.advance({ kind: 'cancel', force: true }));
    return viewOf(held);
  }

  async resume(key: ExecutionKey, request: ResumeRequest, requester: Requester): Promise<ExecutionView> {
    this.log('resume', requester);
    const held = this.find(key);
    const { status } = viewOf(held);
    if (!executionPhases[status].isResumable) throw refused(key, status, 'resumed');
    held.run = resumeExecution(held.graph, held.run.state(), request);
    held.number += 1;
    held.isStopping = false;
    held.endedAt = undefined;
    this.note(held, { what: 'resumed', by: requester.by });
    this.take(held, held.run.start());
    return viewOf(held);
  }

  async approve(key: ExecutionKey, request: ApproveRequest, requester: Requester): Promise<ExecutionView> {
    const held = this.open(key, 'approve', requester);
    const [waiting] = held.run.running().filter((id) => held.graph.nodes[Number(id)]?.kind === 'approval');
    if (waiting === undefined)
      throw new StateError('step-missing', `${executionName(key)}: no step waits for a decision`);
    this.take(held, held.run.advance({ kind: 'succeeded', id: waiting, output: { ...request } }));
    return viewOf(held);
  }

  async endStep(key: ExecutionKey, { step, output, error }: EndStepRequest, by: Requester): Promise<ExecutionView> {
    const held = this.open(key, 'end', by);
    if (!held.run.running().includes(step)) {
      throw new StateError('step-missing', `${executionName(key)}: the step ${step} is not running`);
    }
    const succeeded = { kind: 'succeeded', id: step, output: output ?? {} } as const;
    this.take(held, held.run.advance(error === undefined ? succeeded : { kind: 'failed', id: step, error }));
    return viewOf(held);
  }

  async storeArchive(uri: string, archive: object): Promise<void> {
    this.objects.set(uri, JSON.stringify(archive));
  }

  async loadArchive(uri: string): Promise<ExecutionArchive> {
    return archiveIn(this.objects.get(uri) ?? '', uri);
  }

  async archive(key: ExecutionKey): Promise<ExecutionArchive> {
    const { graph, start, run, trace } = this.find(key);
    return JSON.parse(
      JSON.stringify({ kind: 'kflow-execution', version: 1, graph, start, state: run.state(), trace }),
    ) as ExecutionArchive;
  }

  async restore(
    namespace: string,
    { archive, id }: { readonly archive: ExecutionArchive; readonly id?: string },
    requester: Requester,
  ): Promise<ExecutionView> {
    this.log('restore', requester);
    const key = { namespace, execution: id ?? randomUUID() };
    if (this.held.has(executionName(key))) {
      throw new StateError('execution-exists', `${executionName(key)} exists; choose another id`);
    }
    const { graph, start, state, trace } = archive as unknown as Pick<Held, 'graph' | 'start' | 'trace'> & {
      readonly state: ExecutionState;
    };
    const held = this.hold({ key, graph, start, run: restoreExecution(graph, state) });
    held.trace.push(...trace);
    held.isStopping = true;
    held.endedAt = new Date().toISOString();
    return viewOf(held);
  }

  async delete(key: ExecutionKey, requester: Requester): Promise<void> {
    this.log('delete', requester);
    const { status } = viewOf(this.find(key));
    if (!executionPhases[status].isClosed) throw refused(key, status, 'deleted');
    this.held.delete(executionName(key));
  }

  async schedule(
    namespace: string,
    { id = randomUUID(), schedule, attributes }: StartRequest & { readonly schedule: ScheduleSpec },
    requester: Requester,
  ): Promise<ScheduleView> {
    this.log('schedule', requester);
    const { cron, timezone, overlap } = schedule;
    const view = { namespace, schedule: id, cron, timezone, overlap, attributes };
    this.kept.set(`${namespace}/${id}`, view);
    return view;
  }

  async schedules(namespace: string | undefined): Promise<readonly ScheduleView[]> {
    return [...this.kept.values()].filter((each) => namespace === undefined || each.namespace === namespace);
  }

  async unschedule(namespace: string, schedule: string, requester: Requester): Promise<void> {
    this.log('unschedule', requester);
    if (this.kept.delete(`${namespace}/${schedule}`)) return;
    throw new StateError('schedule-missing', `there is no schedule ${namespace}/${schedule}`);
  }

  async publishEvent(namespace: string, event: PublishEvent, requester: Requester): Promise<TaskEventView> {
    this.log('event', requester);
    const { id = randomUUID(), kind, data, output } = event;
    const stored = { id, kind, data, output, at: new Date().toISOString(), receipts: [] };
    this.published.set(namespace, [...(this.published.get(namespace) ?? []), stored]);
    this.changes.emit('change');
    return stored;
  }

  async events(namespace: string, { kind, limit }: TaskEventQuery): Promise<readonly TaskEventView[]> {
    const all = this.published.get(namespace) ?? [];
    return all.filter((event) => kind === undefined || event.kind === kind).slice(-limit);
  }

  async followEvents(
    namespace: string,
    query: TaskEventQuery,
    signal: AbortSignal,
  ): Promise<AsyncIterable<TaskEventView>> {
    return this.newEvents(namespace, query, signal);
  }

  /** The token is the id of the execution and the name of the task, as in `order-7 A`. */
  async endTask(namespace: string, { token, output, error }: EndTask): Promise<TaskEnd> {
    const [execution = '', name = ''] = token.split(' ');
    const key = { namespace, execution };
    if (!this.held.has(executionName(key))) return 'unknown';
    const { run, graph } = this.find(key);
    if (!run.running().some((id) => nameOf(graph, id) === name)) return 'over';
    if (error === undefined) this.end(key, name, output);
    else this.fail(key, name, error.message);
    return 'ended';
  }

  async workers(namespace: string): Promise<readonly TaskWorkerView[]> {
    return this.workersOf.get(namespace) ?? [];
  }

  private async *newEvents(namespace: string, query: TaskEventQuery, signal: AbortSignal) {
    for (let seen = 0; !signal.aborted; ) {
      const all = await this.events(namespace, query);
      yield* all.slice(seen);
      seen = all.length;
      await this.changed(signal);
    }
  }

  private async changed(signal: AbortSignal): Promise<void> {
    await once(this.changes, 'change', { signal }).catch(() => undefined);
  }

  private hold(of: Pick<Held, 'key' | 'graph' | 'start' | 'run'>): Held {
    const held = { ...of, number: 1, isStopping: false, startedAt: new Date().toISOString(), trace: [] };
    this.held.set(executionName(of.key), held);
    return held;
  }

  private find(key: ExecutionKey): Held {
    const held = this.held.get(executionName(key));
    if (held !== undefined) return held;
    throw new StateError('execution-missing', `there is no execution ${executionName(key)}`);
  }

  private open(key: ExecutionKey, what: string, requester: Requester): Held {
    this.log(what, requester);
    const held = this.find(key);
    const { status } = viewOf(held);
    if (executionPhases[status].isClosed) throw refused(key, status, `changed (${what})`);
    return held;
  }

  private take(held: Held, { started, outcome }: Advance): void {
    for (const { id } of started) this.note(held, { step: id, what: 'started' });
    if (outcome !== undefined) {
      held.endedAt = new Date().toISOString();
      this.note(held, { what: outcome.status });
    }
    this.changes.emit('change');
  }

  private note({ trace }: Held, entry: Omit<TraceEntry, 'id' | 'at'>): void {
    trace.push({ id: String(trace.length), at: new Date().toISOString(), ...entry });
  }

  private log(what: string, { by, comment }: Requester): void {
    this.requests.push({ what, by, ...(comment === undefined ? {} : { comment }) });
  }
}

function compiled(text: string): TaskGraph {
  const { flow, problems } = compileTaskFlow(text, 'flow');
  if (flow === undefined) throw new TopologyError(problems);
  return flow;
}

function nameOf(graph: TaskGraph, id: string): string {
  const node = graph.nodes[Number.parseInt(id, 10)];
  return node !== undefined && 'name' in node && node.name !== undefined ? node.name : (node?.kind ?? id);
}

function runningStep({ run, graph, key }: Held, name: string): string {
  const id = run.running().find((each) => nameOf(graph, each) === name);
  if (id === undefined) throw new Error(`${executionName(key)}: ${name} is not running`);
  return id;
}

function refused(key: ExecutionKey, status: string, what: string): StateError {
  return new StateError('state-invalid', `${executionName(key)} is ${status} and cannot be ${what}`);
}

function statusOf({ run: { outcome }, isStopping, endedAt }: Held): ExecutionView['status'] {
  if (outcome?.status === 'completed') return 'Completed';
  if (outcome?.status === 'failed') return 'Failed';
  if (outcome?.status === 'canceled' || endedAt !== undefined) return 'Stopped';
  return isStopping ? 'Stopping' : 'Running';
}

function viewOf(held: Held): ExecutionView {
  const { key, graph, startedAt, endedAt = null, number, start } = held;
  const { name } = graph;
  const { attributes = {} } = start;
  return {
    ...key,
    ...(name === undefined ? {} : { name }),
    status: statusOf(held),
    startedAt,
    endedAt,
    run: number,
    attributes,
  };
}

function approvalOf(graph: TaskGraph, index: number): object {
  const node = graph.nodes[index];
  if (node?.kind !== 'approval') return {};
  return { parameters: { title: node.title, form: node.form }, waits: { for: 'approval', message: node.title } };
}

function detailOf(held: Held): ExecutionDetail {
  const { graph, run } = held;
  const { steps, input, outcome } = run.state();
  return {
    ...viewOf(held),
    input,
    ...(outcome?.status === 'completed' ? { output: outcome.output } : {}),
    ...(outcome?.status === 'failed' ? { error: { ...outcome.error } } : {}),
    steps: Object.entries(steps).map(([id, step]) => {
      const index = Number.parseInt(id, 10);
      return {
        step: id,
        index,
        name: nameOf(graph, id),
        kind: graph.nodes[index]?.kind ?? 'task',
        status: step.status,
        attempts: 1,
        ...(step.status === 'running' ? approvalOf(graph, index) : {}),
        ...('output' in step ? { output: step.output } : {}),
        ...('error' in step ? { error: { ...step.error } } : {}),
      };
    }),
  };
}
