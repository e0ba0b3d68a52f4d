import { setTimeout as delay } from 'node:timers/promises';
import { ConfigError, StateError } from '../../../lib/errors';
import type {
  EventQuery,
  FlowEventView,
  FlowList,
  FlowStatus,
  ListQuery,
  LogLine,
  LogQuery,
  ReplayRequest,
  RevisionView,
} from '../api/schemas';
import { diffDocuments } from '../documents/diff-documents';
import { hideSecrets } from '../documents/hide-secrets';
import { readFlowNames } from '../documents/read-flow-document';
import type { FlowPlanner } from '../flow-planner';
import type { Cluster } from '../ports/cluster';
import { type FlowKey, flowName } from '../ports/flow-key';
import type { FlowLimits, FlowMemo, FlowWish } from '../ports/flow-request';
import type { Ending, FlowService, Requester, SubmitResult } from '../ports/flow-service';
import type { FlowRecord, FlowStore, Revision } from '../ports/flow-store';
import type { RewindStart } from '../ports/streams';
import type { Workflows, WorkflowView } from '../ports/workflows';
import { assertFunctions, type DocumentDesk } from './document-desk';
import type { FlowStatuses } from './flow-statuses';
import { followLogs } from './follow-logs';
import { followStatus } from './follow-status';
import { isClosedPhase } from './lifecycle';

export interface FlowControllerProps {
  readonly workflows: Workflows;
  readonly store: FlowStore;
  readonly cluster: Cluster;
  readonly planner: FlowPlanner;
  readonly desk: DocumentDesk;
  readonly statuses: FlowStatuses;
  readonly limits: FlowLimits;
  /** Why the parts behind cannot work, in one line each. */
  readonly whyNotReady: () => Promise<readonly string[]>;
}

/** A flow whose workflow runs. */
interface OpenFlow {
  readonly view: WorkflowView;
  readonly memo: FlowMemo;
}

/** How often a request is made again when another one came first. */
const attempts = 5;

/** Flows as their workflows have them. */
export class FlowController implements FlowService {
  constructor(private readonly props: FlowControllerProps) {}

  async submit(flow: FlowKey, text: string, requester: Requester): Promise<SubmitResult> {
    const { desk, workflows, store } = this.props;
    const { topology, digest } = await desk.accept(flow, text);
    for (let attempt = 1; ; attempt++) {
      const view = await this.describeSettled(flow);
      if (view?.isOpen) return this.resubmit(flow, view, digest);
      const record = await store.record(flow);
      const last = record?.revisions.at(-1);
      if (last !== undefined && last.digest !== digest) await desk.assertContinues(flow, last.digest, topology);
      try {
        const { mode } = topology;
        const begin = { kind: 'submit' as const, digest, mode, ...leftOf(record), ...asked(requester) };
        const revision = last === undefined ? 1 : last.number + Number(last.digest !== digest);
        await workflows.start(
          { flow, limits: this.props.limits, begin },
          { ...newMemo('Running', begin.at), digest, revision, mode },
        );
      } catch (error) {
        // another submit came first: it is judged again
        if (error instanceof StateError && error.code === 'flow-exists' && attempt < attempts) continue;
        throw error;
      }
      const goesOn = last !== undefined && record?.closed?.status !== 'Completed';
      return { outcome: goesOn ? 'resumed' : 'started', status: await this.status(flow) };
    }
  }

  async update(namespace: string | undefined, text: string, requester: Requester): Promise<SubmitResult> {
    const flow = await this.flowOf(namespace, text);
    return this.revise(flow, { text, cause: 'update' }, requester);
  }

  async end(flow: FlowKey, ending: Ending, requester: Requester): Promise<FlowStatus> {
    const { workflows, store } = this.props;
    const view = await workflows.describe(flow);
    if (view?.isOpen) {
      const wish: FlowWish = ending === 'stop' ? { kind: 'stop' } : { kind: 'delete', force: ending === 'force' };
      await this.request(flow, wish, requester);
      return this.status(flow);
    }
    const record = await store.record(flow);
    const status = await this.status(flow);
    const hasData = (record?.revisions.length ?? 0) > 0;
    if (ending === 'stop') {
      if (status.status === 'Stopped') return status;
      throw closedError(flow, status, 'only a flow that runs can be stopped');
    }
    if (!hasData) return status;
    if (ending === 'delete' && status.status === 'Stopped') {
      const what = 'a stopped flow keeps its streams, and a submit goes on from there';
      throw closedError(flow, status, `${what}; force=true deletes it with its data`);
    }
    await this.startEnd(flow, ending, { record, requester });
    return this.status(flow);
  }

  /** Somebody ended the flow's workflow from outside: what runs is removed, and the flow is a stopped one. */
  async abandon(flow: FlowKey): Promise<void> {
    const record = await this.props.store.record(flow);
    const requester = { by: 'kflow', comment: 'its workflow was ended from outside' };
    await this.startEnd(flow, 'stop', { record, requester });
  }

  /** What stands for the flow in the cluster is removed: so is the flow, with its data. Nothing is left of an unknown one. */
  async remove(flow: FlowKey): Promise<void> {
    const requester = { by: 'kubernetes', comment: 'what stands for it in the cluster was removed' };
    const view = await this.props.workflows.describe(flow);
    const record = view?.isOpen ? undefined : await this.props.store.record(flow);
    if (view?.isOpen || (record?.revisions.length ?? 0) > 0) {
      await this.end(flow, view?.isOpen ? 'delete' : 'force', requester);
    } else {
      await this.props.cluster.prune(flow, []);
    }
  }

  async pause(flow: FlowKey, functions: readonly string[], requester: Requester): Promise<FlowStatus> {
    return this.change(flow, { kind: 'pause', functions }, requester);
  }

  async resume(flow: FlowKey, functions: readonly string[], requester: Requester): Promise<FlowStatus> {
    return this.change(flow, { kind: 'resume', functions }, requester);
  }

  async restart(flow: FlowKey, functions: readonly string[], requester: Requester): Promise<FlowStatus> {
    const { topology } = await this.current(flow);
    const all = topology.dag.map(({ id }) => id);
    return this.change(flow, { kind: 'restart', functions: functions.length === 0 ? all : functions }, requester);
  }

  async scale(
    flow: FlowKey,
    replicas: { readonly [functionId: string]: number },
    requester: Requester,
  ): Promise<SubmitResult> {
    const { memo } = await this.open(flow);
    const before = await this.props.store.document(flow, memo.digest);
    const text = this.props.desk.withParallelism(before, replicas);
    return this.revise(flow, { text, cause: 'scale' }, requester);
  }

  async replay(flow: FlowKey, replay: ReplayRequest, requester: Requester): Promise<FlowStatus> {
    const { topology } = await this.current(flow);
    const ids = topology.dag.map(({ id }) => id);
    assertFunctions(ids, [replay.function]);
    const plan = this.props.planner.planOf(topology);
    if (!plan.consumers.some((consumer) => consumer.function === replay.function)) {
      throw new ConfigError('setting-invalid', `${replay.function} is a source: it has no input to replay`);
    }
    const rewinds = [{ function: replay.function, start: startOf(replay.from) }];
    await this.request(flow, { kind: 'replay', rewinds }, requester);
    return this.status(flow);
  }

  async rollback(flow: FlowKey, revision: number | undefined, requester: Requester): Promise<SubmitResult> {
    const record = await this.record(flow);
    const { memo } = await this.open(flow);
    const target = revisionOf(flow, record.revisions, revision ?? beforeOf(record.revisions, memo.revision));
    return this.revise(
      flow,
      { text: await this.props.store.document(flow, target.digest), cause: 'rollback' },
      requester,
    );
  }

  status(flow: FlowKey): Promise<FlowStatus> {
    return this.props.statuses.of(flow);
  }

  list(namespace: string | undefined, query: ListQuery): Promise<FlowList> {
    return this.props.statuses.list(namespace, query);
  }

  async history(flow: FlowKey): Promise<readonly RevisionView[]> {
    const { revisions } = await this.record(flow);
    const current = (await this.status(flow)).revision;
    return revisions.map(({ number, isProven, ...revision }) => ({
      ...revision,
      revision: number,
      isProven: isProven === true,
      isCurrent: number === current,
    }));
  }

  async document(flow: FlowKey, revision?: number): Promise<string> {
    return hideSecrets(await this.textOf(flow, revision));
  }

  async diff(flow: FlowKey, { from, to }: { readonly from?: number; readonly to?: number }): Promise<string> {
    const { revisions } = await this.record(flow);
    const last = revisionOf(flow, revisions, to ?? revisions.at(-1)?.number);
    const first = revisionOf(flow, revisions, from ?? beforeOf(revisions, last.number) ?? last.number);
    const texts = await Promise.all([first, last].map(({ digest }) => this.props.store.document(flow, digest)));
    const [before = '', after = ''] = texts;
    return diffDocuments(before, after, { from: `revision ${first.number}`, to: `revision ${last.number}` });
  }

  async events(of: Partial<FlowKey>, { limit, kind }: EventQuery): Promise<readonly FlowEventView[]> {
    return (await this.props.store.events(of, { limit, ...(kind === undefined ? {} : { kind }) })).map(
      (event) => event,
    );
  }

  followEvents(of: Partial<FlowKey>, signal: AbortSignal): AsyncIterable<FlowEventView> {
    return this.props.store.followEvents(of, signal);
  }

  followStatus(flow: FlowKey, signal: AbortSignal): AsyncIterable<FlowStatus> {
    return followStatus(() => this.status(flow), signal);
  }

  logs(flow: FlowKey, query: LogQuery, signal: AbortSignal): AsyncIterable<LogLine> {
    return followLogs(this.props.cluster, flow, query, signal);
  }

  whyNotReady(): Promise<readonly string[]> {
    return this.props.whyNotReady();
  }

  /** A workflow that says that it has closed does so within moments. */
  private async describeSettled(flow: FlowKey): Promise<WorkflowView | undefined> {
    for (let attempt = 1; ; attempt++) {
      const view = await this.props.workflows.describe(flow);
      if (view?.memo === undefined || !view.isOpen || !isClosedPhase(view.memo.phase) || attempt > 100) return view;
      await delay(50);
    }
  }

  /** A life of a flow that only ends what is left. */
  private async startEnd(
    flow: FlowKey,
    ending: Ending,
    { record, requester }: { readonly record: FlowRecord | undefined; readonly requester: Requester },
  ): Promise<void> {
    const begin = { kind: 'end' as const, ending, ...leftOf(record), ...asked(requester) };
    const mode = 'stream'; // nothing of it runs
    await this.props.workflows.start(
      { flow, limits: this.props.limits, begin },
      { ...newMemo('Stopping', begin.at), mode },
    );
  }

  /** A submit for a flow that runs. */
  private async resubmit(flow: FlowKey, { memo }: WorkflowView, digest: string): Promise<SubmitResult> {
    const name = flowName(flow);
    if (memo !== undefined && !['Running', 'Pausing', 'Paused'].includes(memo.phase)) {
      throw new StateError('state-invalid', `${name} is ${memo.phase}; submit it again when it has closed`, {
        where: name,
      });
    }
    if (memo?.digest === digest) return { outcome: 'unchanged', status: await this.status(flow) };
    const what =
      'runs with another document; send this one as an update (POST /kflows/update/v1), or stop or delete it';
    throw new StateError('flow-exists', `${name} ${what}`, { where: name });
  }

  private async revise(
    flow: FlowKey,
    { text, cause }: { readonly text: string; readonly cause: 'update' | 'scale' | 'rollback' },
    requester: Requester,
  ): Promise<SubmitResult> {
    for (let attempt = 1; ; attempt++) {
      const { memo } = await this.open(flow);
      const updated = cause === 'update' ? await this.props.desk.assertUpdate(flow, memo.digest, text) : [];
      const { digest } = await this.props.desk.accept(flow, text);
      if (digest === memo.digest) return { outcome: 'unchanged', status: await this.status(flow) };
      try {
        await this.request(flow, { kind: 'update', digest, cause, base: memo.revision, updated }, requester);
        return { outcome: 'updated', status: await this.status(flow) };
      } catch (error) {
        const isOutrun = error instanceof StateError && error.code === 'state-invalid' && attempt < attempts;
        if (!isOutrun || (await this.open(flow)).memo.revision === memo.revision) throw error;
      }
    }
  }

  private async change(
    flow: FlowKey,
    wish: Extract<FlowWish, { readonly kind: 'pause' | 'resume' | 'restart' }>,
    requester: Requester,
  ): Promise<FlowStatus> {
    if (wish.functions.length > 0) {
      const { topology } = await this.current(flow);
      assertFunctions(
        topology.dag.map(({ id }) => id),
        wish.functions,
      );
    }
    await this.request(flow, wish, requester);
    return this.status(flow);
  }

  private async request(flow: FlowKey, wish: FlowWish, requester: Requester): Promise<void> {
    await this.open(flow);
    await this.props.workflows.request(flow, { ...wish, ...asked(requester) });
  }

  private async current(flow: FlowKey) {
    const { memo } = await this.open(flow);
    return { memo, topology: await this.props.planner.topology(flow, memo.digest) };
  }

  /** Throws StateError `flow-missing`, or `state-invalid` with the state when the flow has closed. */
  private async open(flow: FlowKey): Promise<OpenFlow> {
    const view = await this.props.workflows.describe(flow);
    if (view?.isOpen && view.memo !== undefined) return { view, memo: view.memo };
    throw closedError(flow, await this.status(flow), 'submit it again first');
  }

  private async record(flow: FlowKey): Promise<FlowRecord> {
    const record = await this.props.store.record(flow);
    if (record !== undefined) return record;
    await this.status(flow);
    return { ...flow, revisions: [], epochs: {}, runId: '', startTime: '' };
  }

  private async textOf(flow: FlowKey, revision: number | undefined): Promise<string> {
    const { revisions } = await this.record(flow);
    return this.props.store.document(flow, revisionOf(flow, revisions, revision ?? revisions.at(-1)?.number).digest);
  }

  /** The flow that an update is for. */
  private async flowOf(namespace: string | undefined, text: string): Promise<FlowKey> {
    const names = readFlowNames(text);
    const { jobId } = names;
    if (jobId === undefined)
      throw new ConfigError('setting-missing', 'jobId: the document does not say which flow it is of');
    const said = names.namespace ?? namespace;
    if (said !== undefined) return { namespace: said, jobId };
    const records = await this.props.store.records();
    const named = records.filter((record) => record.jobId === jobId);
    const alive = named.filter(({ closed }) => closed === undefined);
    const candidates = alive.length > 0 ? alive : named;
    const [only] = candidates;
    if (only !== undefined && candidates.length === 1) return { namespace: only.namespace, jobId };
    if (only === undefined) throw new StateError('flow-missing', `no flow has the jobId "${jobId}"; submit it first`);
    const known = candidates.map((each) => each.namespace).join(', ');
    throw new StateError(
      'flow-exists',
      `flows of ${known} have the jobId "${jobId}": say which, as namespace in the document or in the query`,
    );
  }
}

function asked({ by, comment }: Requester): { readonly by: string; readonly at: string; readonly comment?: string } {
  return { by, at: new Date().toISOString(), ...(comment === undefined ? {} : { comment }) };
}

function leftOf(record: FlowRecord | undefined): { readonly record?: FlowRecord } {
  return record === undefined ? {} : { record };
}

function newMemo(phase: 'Running' | 'Stopping', at: string) {
  return { phase, since: at, startTime: at, revision: 0, digest: '', isSettled: false, pauses: {}, ended: [] };
}

function closedError(flow: FlowKey, { status }: FlowStatus, toDo: string): StateError {
  return new StateError('state-invalid', `${flowName(flow)} is ${status}: ${toDo}`, { where: flowName(flow) });
}

function startOf(from: ReplayRequest['from']): RewindStart {
  if (from === 'first') return { from: 'first' };
  if ('sequence' in from) return { from: 'sequence', sequence: from.sequence };
  return { from: 'time', time: from.time };
}

function revisionOf(flow: FlowKey, revisions: readonly Revision[], number: number | undefined): Revision {
  const found = revisions.find((revision) => revision.number === number);
  if (found !== undefined) return found;
  const known = revisions.map((revision) => revision.number).join(', ') || 'none';
  const what = number === undefined ? 'has no earlier revision' : `has no revision ${number}`;
  throw new ConfigError('setting-invalid', `${flowName(flow)} ${what}; it has ${known}`);
}

function beforeOf(revisions: readonly Revision[], number: number): number | undefined {
  return revisions.findLast((revision) => revision.number < number)?.number;
}
