import { ConfigError, StateError } from '../../../../lib/errors';
import type { Topology } from '../../../../lib/topology/document/topology';
import type { ReplayRequest } from '../../../api-contract/flow-changes';
import type { EventQuery, FlowEventView, LogLine, LogQuery, RevisionView } from '../../../api-contract/flow-history';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import type { FlowList, FlowStatus, ListQuery } from '../../../api-contract/flow-status';
import type { Cluster } from '../../ports/cluster';
import type { RewindStart } from '../../ports/streams';
import type { FlowPlanner } from '../documents/flow-planner';
import { readFlowNames } from '../documents/read-flow-document';
import { isActivePhase } from '../ports/flow-phase';
import type { FlowCommand } from '../ports/flow-request';
import type { Ending, FlowService, Requester, SubmitResult } from '../ports/flow-service';
import type { FlowStore } from '../ports/flow-store';
import type { FlowLimits, FlowWorkflows, FlowWorkflowView } from '../ports/flow-workflow';
import { type AcceptedDocument, assertFunctions, type DocumentDesk } from './document-desk';
import { findFlow } from './find-flow';
import { closedError, FlowLives, hasClosed } from './flow-lives';
import { FlowRevisions } from './flow-revisions';
import type { FlowStatuses } from './flow-statuses';
import { followLogs } from './follow-logs';
import { followStatus } from './follow-status';

export interface FlowControllerProps {
  readonly workflows: FlowWorkflows;
  readonly store: FlowStore;
  readonly cluster: Cluster;
  readonly planner: FlowPlanner;
  readonly desk: DocumentDesk;
  readonly statuses: FlowStatuses;
  readonly limits: FlowLimits;
  /** Why the parts behind cannot work, in one line each. */
  readonly whyNotReady: () => Promise<readonly string[]>;
}

/** A scale or rollback leaves what somebody has paused or resumed. */
const noUpdate = { updated: [], dropped: [] };

/** How often a request is made again when another one came first. */
const attempts = 5;

/** Flows as their workflows have them. */
export class FlowController implements FlowService {
  private readonly lives: FlowLives;
  private readonly revisions: FlowRevisions;

  constructor(private readonly props: FlowControllerProps) {
    this.lives = new FlowLives(props);
    this.revisions = new FlowRevisions(props);
  }

  async submit(flow: FlowKey, text: string, requester: Requester): Promise<SubmitResult> {
    const { desk, store } = this.props;
    const accepted = await desk.accept(flow, text);
    const { topology, warnings } = accepted;
    for (let attempt = 1; ; attempt++) {
      const view = await this.lives.describe(flow);
      if (view?.isOpen) return { ...(await this.resubmit(flow, view, accepted)), warnings };
      const record = await store.record(flow);
      const last = record?.revisions.at(-1);
      const digest = last === undefined ? accepted.digest : await desk.digestOf(flow, accepted, last.digest);
      if (last !== undefined && last.digest !== digest) await desk.assertContinues(flow, last.digest, text);
      await store.putDocument(flow, text); // a flow that was deleted meanwhile took it along
      try {
        await this.lives.begin(flow, { digest, mode: topology.mode }, { record, requester });
      } catch (error) {
        // another submit came first: it is judged again
        if (error instanceof StateError && error.code === 'flow-exists' && attempt < attempts) continue;
        throw error;
      }
      const goesOn = last !== undefined && record?.closed?.status !== 'Completed';
      return { outcome: goesOn ? 'resumed' : 'started', status: await this.status(flow), warnings };
    }
  }

  async update(namespace: string | undefined, text: string, requester: Requester): Promise<SubmitResult> {
    const flow = await this.flowOf(namespace, text);
    return this.revise(flow, { text, cause: 'update' }, requester);
  }

  async end(flow: FlowKey, ending: Ending, requester: Requester): Promise<FlowStatus> {
    if (await this.endsByRequest(flow, ending, requester)) return this.status(flow);
    const record = await this.props.store.record(flow);
    const status = await this.status(flow);
    if (ending === 'stop') {
      if (status.status === 'Stopped') return status;
      throw closedError(flow, status, 'only a flow that runs can be stopped');
    }
    if (record === undefined || record.revisions.length === 0) return status;
    if (ending === 'delete' && status.status === 'Stopped') {
      const what = 'a stopped flow keeps its streams, and a submit goes on from there';
      throw closedError(flow, status, `${what}; force=true deletes it with its data`);
    }
    await this.lives.beginEnd(flow, ending, { record, requester });
    return this.status(flow);
  }

  /** Somebody ended the flow's workflow from outside: what runs is removed, and the flow is a stopped one. */
  async abandon(flow: FlowKey): Promise<void> {
    const record = await this.props.store.record(flow);
    const requester = { by: 'kflow', comment: 'its workflow was ended from outside' };
    await this.lives.beginEnd(flow, 'stop', { record, requester });
  }

  /**
   * What stands for the flow in the cluster is removed: so is the flow, with its data, if it is not ending already. Nothing
   * is left of an unknown one.
   */
  async remove(flow: FlowKey): Promise<void> {
    const requester = { by: 'kubernetes', comment: 'what stands for it in the cluster was removed' };
    const view = await this.props.workflows.describe(flow);
    if (view?.isOpen) {
      if (view.memo !== undefined && isActivePhase(view.memo.phase)) await this.end(flow, 'delete', requester);
    } else if (((await this.props.store.record(flow))?.revisions.length ?? 0) > 0) {
      await this.end(flow, 'force', requester);
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
    const all = (await this.topologyOf(flow)).dag.map(({ id }) => id);
    return this.change(flow, { kind: 'restart', functions: functions.length === 0 ? all : functions }, requester);
  }

  async scale(
    flow: FlowKey,
    replicas: { readonly [functionId: string]: number },
    requester: Requester,
  ): Promise<SubmitResult> {
    const before = await this.props.store.document(flow, (await this.lives.open(flow)).digest);
    const text = this.props.desk.withParallelism(before, replicas);
    return this.revise(flow, { text, cause: 'scale' }, requester);
  }

  async replay(flow: FlowKey, replay: ReplayRequest, requester: Requester): Promise<FlowStatus> {
    const topology = await this.topologyOf(flow);
    const ids = topology.dag.map(({ id }) => id);
    assertFunctions(ids, [replay.function]);
    const plan = this.props.planner.planOf(topology);
    if (!plan.consumers.some((consumer) => consumer.function === replay.function)) {
      throw new ConfigError('setting-invalid', `${replay.function} is a source: it has no input to replay`);
    }
    const rewinds = [{ function: replay.function, start: startOf(replay.from) }];
    await this.lives.request(flow, { kind: 'replay', rewinds }, requester);
    return this.status(flow);
  }

  async rollback(flow: FlowKey, revision: number | undefined, requester: Requester): Promise<SubmitResult> {
    const text = await this.revisions.before(flow, await this.lives.open(flow), revision);
    return this.revise(flow, { text, cause: 'rollback' }, requester);
  }

  status(flow: FlowKey): Promise<FlowStatus> {
    return this.props.statuses.of(flow);
  }

  list(namespace: string | undefined, query: ListQuery): Promise<FlowList> {
    return this.props.statuses.list(namespace, query);
  }

  history(flow: FlowKey): Promise<readonly RevisionView[]> {
    return this.revisions.history(flow);
  }

  document(flow: FlowKey, revision?: number): Promise<string> {
    return this.revisions.document(flow, revision);
  }

  diff(flow: FlowKey, revisions: { readonly from?: number; readonly to?: number }): Promise<string> {
    return this.revisions.diff(flow, revisions);
  }

  events(of: Partial<FlowKey>, { limit, kind }: EventQuery): Promise<readonly FlowEventView[]> {
    return this.props.store.events(of, { limit, ...(kind === undefined ? {} : { kind }) });
  }

  followEvents(of: Partial<FlowKey>, signal: AbortSignal): Promise<AsyncIterable<FlowEventView>> {
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

  /** False when the flow has closed. */
  private async endsByRequest(flow: FlowKey, ending: Ending, requester: Requester): Promise<boolean> {
    const wish: FlowCommand = ending === 'stop' ? { kind: 'stop' } : { kind: 'delete', force: ending === 'force' };
    if (!(await this.lives.describe(flow))?.isOpen) return false;
    try {
      await this.lives.ask(flow, wish, requester);
      return true;
    } catch (error) {
      if (hasClosed(error)) return false;
      throw error;
    }
  }

  /** A submit for a flow that runs. */
  private async resubmit(flow: FlowKey, { memo }: FlowWorkflowView, accepted: AcceptedDocument): Promise<SubmitResult> {
    const name = flowName(flow);
    if (memo !== undefined && !isActivePhase(memo.phase)) {
      throw new StateError('state-invalid', `${name} is ${memo.phase}; submit it again when it has closed`, {
        where: name,
      });
    }
    if (memo !== undefined && (await this.props.desk.digestOf(flow, accepted, memo.digest)) === memo.digest)
      return { outcome: 'unchanged', status: await this.status(flow) };
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
      const memo = await this.lives.open(flow);
      const { updated, dropped } =
        cause === 'update' ? await this.props.desk.assertUpdate(flow, memo.digest, text) : noUpdate;
      const accepted = await this.props.desk.accept(flow, text);
      const { warnings } = accepted;
      const digest = await this.props.desk.digestOf(flow, accepted, memo.digest);
      if (digest === memo.digest) return { outcome: 'unchanged', status: await this.status(flow), warnings };
      try {
        const about = { base: memo.revision, updated, dropped };
        await this.lives.request(flow, { kind: 'update', digest, cause, ...about }, requester);
        return { outcome: 'updated', status: await this.status(flow), warnings };
      } catch (error) {
        const isOutrun = error instanceof StateError && attempt < attempts;
        if (!isOutrun || (await this.lives.open(flow)).revision === memo.revision) throw error;
      }
    }
  }

  private async change(
    flow: FlowKey,
    wish: Extract<FlowCommand, { readonly kind: 'pause' | 'resume' | 'restart' }>,
    requester: Requester,
  ): Promise<FlowStatus> {
    if (wish.functions.length > 0) {
      const known = (await this.topologyOf(flow)).dag.map(({ id }) => id);
      assertFunctions(known, wish.functions);
    }
    await this.lives.request(flow, wish, requester);
    return this.status(flow);
  }

  /** Of a flow that runs. */
  private async topologyOf(flow: FlowKey): Promise<Topology> {
    return this.props.planner.topology(flow, (await this.lives.open(flow)).digest);
  }

  /** The flow that an update is for. */
  private async flowOf(namespace: string | undefined, text: string): Promise<FlowKey> {
    const names = readFlowNames(text);
    const { jobId } = names;
    if (jobId === undefined)
      throw new ConfigError('setting-missing', 'jobId: the document does not say which flow it is of');
    const said = namespace ?? names.namespace; // whoever has not all namespaces has asked for one of theirs
    if (said !== undefined) return { namespace: said, jobId };
    return findFlow(this.props, jobId);
  }
}

function startOf(from: ReplayRequest['from']): RewindStart {
  if (from === 'first') return { from: 'first' };
  if ('sequence' in from) return { from: 'sequence', sequence: from.sequence };
  return { from: 'time', time: from.time };
}
