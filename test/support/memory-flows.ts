import { StateError } from '../../lib/errors';
import { planFlow } from '../../lib/plan/plan-flow';
import { TopologyError } from '../../lib/topology/problem/problem';
import { hideSecrets } from '../../lib/topology/secrets/hide-secrets';
import type { ReplayRequest } from '../../runtime/api-contract/flow-changes';
import type {
  EventQuery,
  FlowEventView,
  LogLine,
  LogQuery,
  RevisionView,
} from '../../runtime/api-contract/flow-history';
import { type FlowKey, flowName } from '../../runtime/api-contract/flow-key';
import { type FlowPhase, isClosedPhase } from '../../runtime/api-contract/flow-phase';
import type { FlowList, FlowStatus, ListQuery } from '../../runtime/api-contract/flow-status';
import { diffDocuments } from '../../runtime/controller/flows/documents/diff-documents';
import { checkFlowDocument, readFlowNames } from '../../runtime/controller/flows/documents/read-flow-document';
import { LetterDesk } from '../../runtime/controller/flows/letters/letter-desk';
import type { Ending, FlowService, Requester, SubmitResult } from '../../runtime/controller/flows/ports/flow-service';
import { DeskSteps } from '../../runtime/controller/flows/service/desk-steps';
import { StepDesk } from '../../runtime/steps/step-desk';
import { Changes } from './changes';
import { MemoryLetters } from './memory-letters';
import { MemoryStepStores } from './memory-steps';

interface MemoryFlow {
  status: FlowStatus;
  readonly revisions: { readonly text: string; readonly requester: Requester; readonly cause: RevisionView['cause'] }[];
}

/** A change that was requested; `args` are the request's own, without the flow. */
interface FlowRequest {
  readonly what: string;
  readonly args: unknown;
  readonly requester: Requester;
}

/** The time of everything that happens here. */
const at = '2026-01-31T08:00:00.000Z';
const settled: { readonly [ending in Ending]: FlowPhase } = {
  stop: 'Stopped',
  delete: 'Canceled',
  force: 'Terminated',
};

/** A `FlowService` of statuses and documents. No flow runs: it enters each phase at once, or when the test says so. */
export class MemoryFlows implements FlowService {
  /** The letters of its flows, which the test adds. */
  readonly deadLetters = new MemoryLetters((flow) => void this.find(flow));
  readonly letters: FlowService['letters'] = new LetterDesk(this.deadLetters);
  readonly stepStores = new MemoryStepStores();
  /** Nothing runs, so each object waits. */
  readonly steps = new DeskSteps({
    open: async (flow) => {
      const plan = planFlow(checkFlowDocument(this.textOf(flow), flow).topology, {});
      const { of, close } = this.stepStores.open(plan);
      return { desk: new StepDesk({ plan, open: of, waitMs: 0 }), close };
    },
  });
  readonly requests: FlowRequest[] = [];
  readonly lines: LogLine[] = [];
  readonly past: FlowEventView[] = [];
  notReady: string[] = [];
  /** Error of the next call. */
  failure: Error | undefined;
  /** Number of calls of `status`. */
  reads = 0;
  /** Delays the results of `status`. */
  statusAfter: Promise<void> | undefined;
  private readonly changes = new Changes();
  private readonly flows = new Map<string, MemoryFlow>();

  /** With `isManual`, pauses and endings stay in progress until the test calls `enter` or `become`. */
  constructor(private readonly options: { readonly isManual?: true } = {}) {}

  /** Number of followers of statuses, events and logs. */
  get following(): number {
    return this.changes.waiting;
  }

  /** Puts a flow into a phase. */
  enter(key: FlowKey, phase: FlowPhase): FlowStatus {
    this.become(flowName(key), { status: phase, closeTime: isClosedPhase(phase) ? at : null });
    this.happen({ ...key, id: `e${this.past.length}`, kind: 'phase', what: phase });
    return this.find(key).status;
  }

  /** Overwrites fields of a flow's status. */
  become(name: string, state: Partial<FlowStatus>): void {
    const flow = this.flows.get(name);
    if (flow === undefined) throw new Error(`no flow ${name}`);
    flow.status = { ...flow.status, ...state };
    this.changes.notify();
  }

  forget(name: string): void {
    this.flows.delete(name);
  }

  happen(event: Pick<FlowEventView, 'id' | 'kind' | 'what'> & Partial<FlowEventView>): void {
    this.past.push({ at, namespace: 'default', jobId: 'words', ...event });
    this.changes.notify();
  }

  write(line: LogLine): void {
    this.lines.push(line);
    this.changes.notify();
  }

  documentOf(name: string): string | undefined {
    return this.flows.get(name)?.revisions.at(-1)?.text;
  }

  async submit(key: FlowKey, text: string, requester: Requester): Promise<SubmitResult> {
    this.note('submit', key, requester);
    const { topology, warnings } = checkFlowDocument(text, key);
    const known = this.flows.get(flowName(key));
    const isOpen = known !== undefined && known.status.closeTime === null;
    if (isOpen && known.revisions.at(-1)?.text === text) return { outcome: 'unchanged', status: known.status };
    if (isOpen) throw new StateError('flow-exists', `${flowName(key)} runs with another document; update it`);
    const functions = topology.dag.map(({ id, type, parallelism }) => idle(id, type, parallelism));
    const revisions = known?.status.status === 'Stopped' ? [...known.revisions] : [];
    if (revisions.at(-1)?.text !== text) revisions.push({ text, requester, cause: 'submit' });
    const status = { ...started(key), mode: topology.mode, revision: revisions.length, functions };
    this.flows.set(flowName(key), { status, revisions });
    const outcome = known === undefined ? 'started' : 'resumed';
    return { outcome, status: this.enter(key, 'Running'), ...(warnings.length > 0 ? { warnings } : {}) };
  }

  async update(namespace: string | undefined, text: string, requester: Requester): Promise<SubmitResult> {
    this.note('update', { namespace }, requester);
    const names = readFlowNames(text);
    const key = { namespace: namespace ?? names.namespace ?? 'default', jobId: names.jobId ?? '' };
    const { functions } = this.find(key).status;
    const ids = checkFlowDocument(text, key).topology.dag.map(({ id }) => id);
    const other = functions.findIndex((fn, index) => fn.function !== ids[index]);
    if (other >= 0) {
      const message = `is "${ids[other]}", and was "${functions[other]?.function}"`;
      const problem = { severity: 'error', code: 'update-refused', file: 'document', line: 1, col: 1 } as const;
      throw new TopologyError([{ ...problem, path: `dag[${other}].id`, message }]);
    }
    return this.revise(key, text, requester, 'update');
  }

  async end(key: FlowKey, ending: Ending, requester: Requester): Promise<FlowStatus> {
    this.note('end', ending, requester, key);
    if (ending === 'delete' && this.find(key).status.status === 'Stopped') {
      throw new StateError('state-invalid', `${flowName(key)} is Stopped and keeps its streams; force=true deletes it`);
    }
    return this.enter(key, this.options.isManual ? 'Stopping' : settled[ending]);
  }

  async pause(key: FlowKey, functions: readonly string[], requester: Requester): Promise<FlowStatus> {
    this.note('pause', functions, requester, key);
    return this.enter(key, this.options.isManual ? 'Pausing' : 'Paused');
  }

  async resume(key: FlowKey, functions: readonly string[], requester: Requester): Promise<FlowStatus> {
    this.note('resume', functions, requester, key);
    return this.enter(key, 'Running');
  }

  async restart(key: FlowKey, functions: readonly string[], requester: Requester): Promise<FlowStatus> {
    this.note('restart', functions, requester, key);
    return this.find(key).status;
  }

  async scale(key: FlowKey, replicas: { readonly [id: string]: number }, requester: Requester): Promise<SubmitResult> {
    this.note('scale', replicas, requester, key);
    return this.revise(key, `${this.textOf(key)}# ${JSON.stringify(replicas)}\n`, requester, 'scale');
  }

  async replay(key: FlowKey, replay: ReplayRequest, requester: Requester): Promise<FlowStatus> {
    this.note('replay', replay, requester, key);
    return this.find(key).status;
  }

  async rollback(key: FlowKey, revision: number | undefined, requester: Requester): Promise<SubmitResult> {
    this.note('rollback', revision, requester, key);
    const text = this.textOf(key, revision ?? this.find(key).revisions.length - 1);
    return this.revise(key, text, requester, 'rollback');
  }

  async status(key: FlowKey): Promise<FlowStatus> {
    this.reads += 1;
    await this.statusAfter;
    return this.find(key).status;
  }

  async list(namespace: string | undefined, { id, status, limit, continue: after = '' }: ListQuery): Promise<FlowList> {
    this.throwFailure();
    const fits = (flow: FlowStatus) =>
      (namespace === undefined || flow.namespace === namespace) &&
      (id === undefined || flow.jobId === id) &&
      (status === undefined || flow.status === status);
    const names = [...this.flows.keys()].filter((name) => name > after).sort();
    const found = names.flatMap((name) => this.flows.get(name)?.status ?? []).filter(fits);
    const flows = found.slice(0, limit);
    const last = flows.at(-1);
    return found.length > limit && last !== undefined ? { flows, continue: flowName(last) } : { flows };
  }

  async history(key: FlowKey): Promise<readonly RevisionView[]> {
    const { revisions } = this.find(key);
    return revisions.map(({ requester: { by, comment }, cause }, index) => ({
      revision: index + 1,
      digest: `d${index}`,
      at,
      by,
      ...(comment === undefined ? {} : { comment }),
      cause,
      isProven: true,
      isCurrent: index === revisions.length - 1,
    }));
  }

  async document(key: FlowKey, revision?: number): Promise<string> {
    return hideSecrets(this.textOf(key, revision));
  }

  async diff(key: FlowKey, revisions: { readonly from?: number; readonly to?: number }): Promise<string> {
    const { to = this.find(key).revisions.length, from = Math.max(1, to - 1) } = revisions;
    const names = { from: `revision ${from}`, to: `revision ${to}` };
    return diffDocuments(this.textOf(key, from), this.textOf(key, to), names);
  }

  async events(of: Partial<FlowKey>, { kind, limit }: EventQuery): Promise<readonly FlowEventView[]> {
    this.throwFailure();
    return this.past.filter((event) => isOf(event, of) && (kind === undefined || event.kind === kind)).slice(-limit);
  }

  async followEvents(of: Partial<FlowKey>, signal: AbortSignal): Promise<AsyncIterable<FlowEventView>> {
    return this.eventsFrom(this.past.length, of, signal);
  }

  private async *eventsFrom(begin: number, of: Partial<FlowKey>, signal: AbortSignal): AsyncGenerator<FlowEventView> {
    for (let next = begin; await this.changes.until(() => this.past.length > next, signal); next += 1) {
      const event = this.past[next];
      if (event !== undefined && isOf(event, of)) yield event;
    }
  }

  async *followStatus(key: FlowKey, signal: AbortSignal): AsyncGenerator<FlowStatus> {
    let last: FlowStatus | undefined;
    while (await this.changes.until(() => this.find(key).status !== last, signal)) {
      last = this.find(key).status;
      yield last;
      if (last.closeTime !== null) return;
    }
  }

  async *logs(key: FlowKey, { function: id, tail, follow }: LogQuery, signal: AbortSignal): AsyncGenerator<LogLine> {
    if (!this.flows.has(flowName(key))) return;
    const fits = (line: LogLine) => id === undefined || line.function === id;
    const present = this.lines.filter(fits);
    yield* present.slice(Math.max(0, present.length - (tail ?? present.length)));
    if (!follow) return;
    // a flow that is closed has no replicas
    const isOver = () => this.find(key).status.closeTime !== null;
    let next = this.lines.length;
    const isNext = () => this.lines.length > next;
    for (; (await this.changes.until(() => isNext() || isOver(), signal)) && isNext(); next += 1) {
      const line = this.lines[next];
      if (line !== undefined && fits(line)) yield line;
    }
  }

  async whyNotReady(): Promise<readonly string[]> {
    return this.notReady;
  }

  private note(what: string, args: unknown, requester: Requester, key?: FlowKey): void {
    this.throwFailure();
    if (key !== undefined) this.find(key);
    this.requests.push({ what, args, requester });
  }

  private throwFailure(): void {
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
  }

  private find(key: FlowKey): MemoryFlow {
    const flow = this.flows.get(flowName(key));
    if (flow === undefined) throw new StateError('flow-missing', `${flowName(key)}: there is no such flow`);
    return flow;
  }

  /** The document of a revision; the current one when left out. */
  private textOf(key: FlowKey, revision?: number): string {
    const { revisions } = this.find(key);
    const text = revisions[(revision ?? revisions.length) - 1]?.text;
    if (text === undefined) throw new StateError('revision-missing', `${flowName(key)} has no revision ${revision}`);
    return text;
  }

  private revise(key: FlowKey, text: string, requester: Requester, cause: RevisionView['cause']): SubmitResult {
    const flow = this.find(key);
    if (flow.revisions.at(-1)?.text === text) return { outcome: 'unchanged', status: flow.status };
    flow.revisions.push({ text, requester, cause });
    this.become(flowName(key), { revision: flow.revisions.length });
    return { outcome: 'updated', status: flow.status };
  }
}

function isOf(event: FlowEventView, { namespace, jobId }: Partial<FlowKey>): boolean {
  return (namespace === undefined || event.namespace === namespace) && (jobId === undefined || event.jobId === jobId);
}

function started({ namespace, jobId }: FlowKey): FlowStatus {
  return {
    status: 'Running',
    startTime: at,
    closeTime: null,
    execution: { workflow_id: jobId, run_id: 'f1725055-b425-430e-86c4-5583d4f5d694' },
    type: { name: 'KFlowDSL' },
    devInsOuts: [],
    namespace,
    jobId,
    mode: 'stream',
    revision: 1,
    since: at,
    health: { state: 'healthy', problems: [] },
    functions: [],
  };
}

function idle(id: string, type: string, replicas: number): FlowStatus['functions'][number] {
  const counts = { pending: 0, held: 0, dead: 0, restarts: 0 };
  return { function: id, type, replicas, ready: replicas, isPaused: false, ...counts };
}
