import { randomUUID } from 'node:crypto';
import { ConfigError, StateError } from '../../../../lib/errors';
import { resumeExecution } from '../../../../lib/tasks/advance/resume-execution';
import { attributeLimits } from '../../../../lib/tasks/graph/attribute-limits';
import type { TaskGraph } from '../../../../lib/tasks/graph/task-graph';
import type {
  ApproveRequest,
  CancelRequest,
  EndStepRequest,
  ExecutionArchive,
  ResumeRequest,
  ScheduleSpec,
  ScheduleView,
  StartRequest,
} from '../../../api-contract/execution-changes';
import { type ExecutionKey, executionName } from '../../../api-contract/execution-key';
import { executionPhases } from '../../../api-contract/execution-phase';
import type {
  ExecutionDetail,
  ExecutionList,
  ExecutionQuery,
  ExecutionView,
  TraceEntry,
} from '../../../api-contract/execution-status';
import type {
  EndTask,
  PublishEvent,
  TaskEventQuery,
  TaskEventView,
  TaskWorkerView,
} from '../../../api-contract/task-events';
import { pause } from '../../../async/pause';
import type { Requester } from '../../flows/ports/flow-service';
import { ClaimedValues } from '../claimed-values';
import type { ExecutionRecord, ExecutionService, StartResult, TaskEnd } from '../ports/execution-service';
import type { ExecutionStore, ListedExecution } from '../ports/execution-store';
import { executionView } from '../ports/execution-view';
import type {
  ExecutionDefinition,
  ExecutionLimits,
  ExecutionSnapshot,
  ExecutionWorkflows,
  Resume,
} from '../ports/execution-workflow';
import type { Schedules } from '../ports/schedules';
import type { StoredObjects } from '../ports/stored-objects';
import type { TaskBus } from '../ports/task-bus';
import type { TaskEvents } from '../ports/task-events';
import { type AdmittedFlow, admitFlow } from './admit-flow';
import { addExecution, deleteExecution } from './delete-execution';
import { type EndTaskProps, endTask } from './end-task';
import { archiveIn, archiveOf, snapshotOf } from './execution-archive';
import { executionDetail, executionTrace } from './execution-views';
import { assertPhase, findClosed, findCurrent, findListed, findSnapshot, isLostWhole } from './find-execution';
import { pageOf } from './list-executions';
import { withProgress } from './step-progress';

export interface ExecutionControllerProps extends EndTaskProps {
  readonly workflows: ExecutionWorkflows;
  readonly schedules: Schedules;
  readonly store: ExecutionStore;
  readonly bus: TaskBus;
  readonly events: TaskEvents;
  readonly objects: StoredObjects;
  readonly limits: ExecutionLimits;
}

const followMs = 500;

/** The service of executions: checks requests, passes them to the workflows, and reads their states. */
export class ExecutionController implements ExecutionService {
  constructor(private readonly props: ExecutionControllerProps) {}

  async start(namespace: string, request: StartRequest, requester: Requester): Promise<StartResult> {
    const admitted = admitFlow(request.flow);
    const { graph, warnings } = admitted;
    const { id = newId(graph), input = {}, attributes } = request;
    const definition = definitionOf({ namespace, execution: id }, { graph, attributes, requester });
    const result = await this.begin(definition, graph, input);
    return { ...result, warnings };
  }

  async schedule(
    namespace: string,
    request: StartRequest & { readonly schedule: ScheduleSpec },
    requester: Requester,
  ): Promise<ScheduleView> {
    const { graph } = admitFlow(request.flow);
    const { id = graph.name ?? 'schedule', input = {}, attributes, schedule } = request;
    const key = { namespace, execution: id };
    const definition = { ...definitionOf(key, { graph, attributes, requester }), schedule: id };
    const { limits } = this.props;
    const begin = { kind: 'start', definition, graph, input, isScheduled: true } as const;
    return this.props.schedules.put({ ...schedule, definition, input: { limits, begin } });
  }

  schedules(namespace: string | undefined): Promise<readonly ScheduleView[]> {
    return this.props.schedules.list(namespace);
  }

  async unschedule(namespace: string, schedule: string, _requester: Requester): Promise<void> {
    if (await this.props.schedules.remove(namespace, schedule)) return;
    throw new StateError('schedule-missing', `${namespace}/${schedule}: no such schedule`, { where: schedule });
  }

  publishEvent(
    namespace: string,
    event: PublishEvent,
    { by, idempotencyKey = randomUUID() }: Requester,
  ): Promise<TaskEventView> {
    return this.props.events.publish(namespace, { id: idempotencyKey, ...event }, by);
  }

  events(namespace: string, query: TaskEventQuery): Promise<readonly TaskEventView[]> {
    return this.props.events.recent(namespace, query);
  }

  followEvents(namespace: string, query: TaskEventQuery, signal: AbortSignal): Promise<AsyncIterable<TaskEventView>> {
    return this.props.events.follow(namespace, query, signal);
  }

  async list(namespace: string | undefined, query: ExecutionQuery): Promise<ExecutionList> {
    return pageOf(await this.props.store.list(namespace), query);
  }

  async get(key: ExecutionKey): Promise<ExecutionDetail> {
    return this.detailOf(await findSnapshot(this.props, key));
  }

  async record(key: ExecutionKey): Promise<ExecutionRecord> {
    const snapshot = await findSnapshot(this.props, key);
    return { graph: snapshot.graph, detail: await this.detailOf(snapshot), trace: executionTrace(snapshot) };
  }

  async trace(key: ExecutionKey): Promise<readonly TraceEntry[]> {
    return executionTrace(await findSnapshot(this.props, key));
  }

  async *follow(key: ExecutionKey, signal: AbortSignal): AsyncIterable<ExecutionDetail> {
    for (let before = ''; !signal.aborted; await pause(followMs, signal)) {
      const detail = await this.get(key);
      const text = JSON.stringify(detail);
      if (text !== before) yield detail;
      before = text;
      if (executionPhases[detail.status].isClosed) return;
    }
  }

  async wait(key: ExecutionKey, atMostMs: number, signal: AbortSignal): Promise<ExecutionDetail> {
    const { view } = await findListed(this.props, key);
    if (!executionPhases[view.status].isClosed) await this.props.workflows.ended(key, atMostMs, signal);
    return this.get(key);
  }

  async cancel(key: ExecutionKey, { graceSeconds }: CancelRequest, requester: Requester): Promise<ExecutionView> {
    await this.openOf(key);
    const grace = graceSeconds === undefined ? {} : { graceMs: graceSeconds * 1_000 };
    const { workflows } = this.props;
    return workflows.command(key, { kind: 'cancel', ...grace, ...originOf(requester) }, requester.idempotencyKey);
  }

  async terminate(key: ExecutionKey, requester: Requester): Promise<ExecutionView> {
    await this.openOf(key);
    const { workflows } = this.props;
    return workflows.command(key, { kind: 'terminate', ...originOf(requester) }, requester.idempotencyKey);
  }

  async approve(key: ExecutionKey, request: ApproveRequest, requester: Requester): Promise<ExecutionView> {
    await this.openOf(key);
    const { step, decision, answers } = request;
    const where = step === undefined ? {} : { step };
    const command = { kind: 'decide', ...where, isApproved: decision === 'approve', answers } as const;
    return this.props.workflows.command(key, { ...command, ...originOf(requester) }, requester.idempotencyKey);
  }

  async endStep(key: ExecutionKey, request: EndStepRequest, requester: Requester): Promise<ExecutionView> {
    const { incarnation } = await this.openOf(key);
    const { step, output, error } = request;
    const values = this.valuesOf({ ...key, incarnation });
    const place = `${key.execution}/${incarnation}/ended/${randomUUID()}`;
    const kept = output === undefined ? {} : { output: await values.keep(place, output) };
    const end = error === undefined ? kept : { error };
    const command = { kind: 'end', step, ...end, ...originOf(requester) } as const;
    return this.props.workflows.command(key, command, requester.idempotencyKey);
  }

  async resume(key: ExecutionKey, request: ResumeRequest, requester: Requester): Promise<ExecutionView> {
    const { store, workflows, limits } = this.props;
    const listed = await findClosed(this.props, key);
    assertPhase(listed.view, key, { is: 'resumable', todo: 'only a Stopped or Failed execution can be resumed' });
    const snapshot = await findSnapshot(this.props, key);
    const resume = resumeOf(request, requester);
    assertResumable(snapshot, resume);
    if (isLostWhole(snapshot) && (resume.graph === undefined || resume.input === undefined)) {
      const todo = 'its state is lost; give its task flow and its input to run it from the start';
      throw new StateError('state-invalid', `${executionName(key)}: ${todo}`, { where: key.execution });
    }
    const begin = { kind: 'stored', key: { namespace: key.namespace, execution: key.execution }, resume } as const;
    const definition = { ...key, incarnation: listed.incarnation };
    const view = withoutReason({ ...listed.view, status: 'Running', endedAt: null, run: snapshot.run + 1 });
    // before the workflow starts, which lists the execution as it ends; if it does not start, the next read finds that out
    const resumed = { view, incarnation: listed.incarnation, resumedMs: Date.now() };
    const isOurs = await store.exchange(listed, resumed);
    if (isOurs && (await workflows.start(definition, { limits, begin }))) return view;
    await findListed(this.props, key); // throws when it was deleted meanwhile
    throw new StateError('state-invalid', `${executionName(key)} is being resumed already`, { where: key.execution });
  }

  async archive(key: ExecutionKey): Promise<ExecutionArchive> {
    const snapshot = await findSnapshot(this.props, key);
    const state = (await this.valuesOf(snapshot.definition).resolve(snapshot.state)) as ExecutionSnapshot['state'];
    return archiveOf({ ...snapshot, state });
  }

  storeArchive(uri: string, archive: object): Promise<void> {
    return this.props.objects.put(uri, JSON.stringify(archive), 'application/json');
  }

  async loadArchive(uri: string): Promise<ExecutionArchive> {
    return archiveIn(await this.props.objects.get(uri), uri);
  }

  async restore(
    namespace: string,
    { archive, id }: { readonly archive: ExecutionArchive; readonly id?: string },
    requester: Requester,
  ): Promise<ExecutionView> {
    const { store } = this.props;
    const stored = snapshotOf(archive);
    for (const execution of id === undefined ? [stored.definition.execution, randomUUID()] : [id]) {
      const snapshot = restored(stored, { namespace, execution }, requester);
      const view = executionView(snapshot);
      const found = await addExecution(this.props, { view, incarnation: snapshot.definition.incarnation });
      if (found !== undefined) continue;
      await store.saveSnapshot(snapshot);
      return view;
    }
    const name = executionName({ namespace, execution: id ?? stored.definition.execution });
    throw new StateError('execution-exists', `${name} exists; choose another id`, { where: name });
  }

  delete(key: ExecutionKey, _requester: Requester): Promise<void> {
    return deleteExecution(this.props, key);
  }

  endTask(namespace: string, end: EndTask): Promise<TaskEnd> {
    return endTask(this.props, namespace, end);
  }

  async workers(namespace: string): Promise<readonly TaskWorkerView[]> {
    const entries = await this.props.bus.workers(namespace);
    return entries.map(({ v: _, tasks, ...entry }) => ({
      ...entry,
      tasks: Object.entries(tasks).map(([name, task]) => ({ name, ...task })),
    }));
  }

  /**
   * Lists the execution, then starts its workflow: whoever attaches starts what another controller has listed only. An
   * execution that has ended is not started again.
   */
  private async begin(definition: ExecutionDefinition, graph: TaskGraph, input: unknown): Promise<StartResult> {
    const { store } = this.props;
    const { incarnation } = definition;
    const view = firstView(definition);
    const found = await addExecution(this.props, { view, incarnation });
    if (found !== undefined) {
      await this.finishStart(definition, found.incarnation, { graph, input });
      return { outcome: 'attached', execution: (await store.find(definition))?.view ?? found.view };
    }
    await this.startWorkflow(definition, graph, input);
    return { outcome: 'started', execution: view };
  }

  /** Starts the workflow of an execution that was listed by a controller which ended before it started the workflow. */
  private async finishStart(
    definition: ExecutionDefinition,
    incarnation: string,
    { graph, input }: { readonly graph: TaskGraph; readonly input: unknown },
  ): Promise<void> {
    const { store, workflows } = this.props;
    const run = await workflows.describe(definition);
    const isKnown = run !== undefined && (run.isOpen || run.incarnation === incarnation);
    if (isKnown || (await store.snapshot(definition)) !== undefined) return;
    await this.startWorkflow({ ...definition, incarnation }, graph, input);
  }

  private async startWorkflow(definition: ExecutionDefinition, graph: TaskGraph, input: unknown): Promise<void> {
    const { workflows, limits } = this.props;
    const { execution, incarnation } = definition;
    const kept = await this.valuesOf(definition).keep(`${execution}/${incarnation}/input`, input);
    await workflows.start(definition, { limits, begin: { kind: 'start', definition, graph, input: kept } });
  }

  /** Input and output are whole; the values of steps have claims in place of large ones. */
  private async detailOf(snapshot: ExecutionSnapshot): Promise<ExecutionDetail> {
    const detail = executionDetail(snapshot);
    const values = this.valuesOf(snapshot.definition);
    const [input, output, steps] = await Promise.all([
      values.resolve(detail.input),
      values.resolve(detail.output),
      withProgress(this.props.bus, snapshot, detail.steps),
    ]);
    return { ...detail, input, ...(output === undefined ? {} : { output }), steps };
  }

  private valuesOf({ namespace, incarnation }: Pick<ExecutionDefinition, 'namespace' | 'incarnation'>): ClaimedValues {
    return new ClaimedValues(this.props.values, namespace, incarnation);
  }

  /** Throws StateError `state-invalid` for an execution that has ended. */
  private async openOf(key: ExecutionKey): Promise<ListedExecution> {
    const listed = await findCurrent(this.props, key);
    assertPhase(listed.view, key, { is: 'open', todo: 'it has ended' });
    return listed;
  }
}

function newId({ name }: TaskGraph): string {
  return name === undefined ? randomUUID() : `${name}-${randomUUID()}`;
}

function originOf({ by, comment }: Requester): { readonly by: string; readonly comment?: string } {
  return { by, ...(comment === undefined ? {} : { comment }) };
}

function definitionOf(
  key: ExecutionKey,
  given: { readonly graph: TaskGraph; readonly attributes: StartRequest['attributes']; readonly requester: Requester },
): ExecutionDefinition {
  const { graph, requester } = given;
  const attributes = { ...graph.attributes, ...given.attributes };
  if (Object.keys(attributes).length > attributeLimits.count) {
    const message = `attributes: those of the flow and of the request are over ${attributeLimits.count}`;
    throw new ConfigError('config-invalid', message);
  }
  return {
    ...key,
    ...(graph.name === undefined ? {} : { name: graph.name }),
    attributes,
    ...originOf(requester),
    incarnation: randomUUID(),
  };
}

function firstView({ incarnation: _, ...described }: ExecutionDefinition): ExecutionView {
  return { ...described, status: 'Running', startedAt: new Date().toISOString(), endedAt: null, run: 1 };
}

function withoutReason({ reason: _, ...view }: ExecutionView): ExecutionView {
  return view;
}

function resumeOf({ input, inputs, from, flow }: ResumeRequest, requester: Requester): Resume {
  const admitted: AdmittedFlow | undefined = flow === undefined ? undefined : admitFlow(flow);
  return {
    ...originOf(requester),
    ...(input === undefined ? {} : { input: { value: input } }),
    ...(inputs === undefined ? {} : { inputs }),
    ...(from === undefined ? {} : { from }),
    ...(admitted === undefined ? {} : { graph: admitted.graph }),
  };
}

/** Throws ConfigError for steps that do not exist. */
function assertResumable({ graph, state }: ExecutionSnapshot, resume: Resume): void {
  const { from, inputs, graph: definition } = resume;
  resumeExecution(graph, state, { from, inputs, definition });
}

/** An archived execution under its new key, stopped unless it had ended otherwise. */
function restored(stored: ExecutionSnapshot, key: ExecutionKey, requester: Requester): ExecutionSnapshot {
  const { state, log } = stored;
  const now = Date.now();
  return {
    ...stored,
    definition: { ...stored.definition, ...key, incarnation: randomUUID() },
    state: { ...state, ending: { status: 'canceled' }, outcome: { status: 'canceled' } },
    endedMs: stored.endedMs ?? now,
    log: [...log, { atMs: now, what: 'restored', ...originOf(requester) }],
  };
}
