import { ConfigError, KFlowError, StateError } from '../../../../lib/errors';
import type { Topology } from '../../../../lib/topology/document/topology';
import type { ReplayRequest } from '../../../api-contract/flow-changes';
import type { EventQuery, FlowEventView, LogLine, LogQuery, RevisionView } from '../../../api-contract/flow-history';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import { isClosedPhase } from '../../../api-contract/flow-phase';
import type { FlowList, FlowStatus, ListQuery } from '../../../api-contract/flow-status';
import type { Cluster } from '../../ports/cluster';
import type { Letters } from '../../ports/letters';
import type { Buckets, RewindStart, StepStores } from '../../ports/streams';
import type { FlowPlanner } from '../documents/flow-planner';
import { readFlowNames } from '../documents/read-flow-document';
import type { FlowLetters } from '../ports/flow-letters';
import type { FlowCommand } from '../ports/flow-request';
import type { Ending, FlowService, Requester, SubmitResult } from '../ports/flow-service';
import type { FlowSteps } from '../ports/flow-steps';
import type { FlowStore } from '../ports/flow-store';
import type { FlowLimits, FlowWorkflows, FlowWorkflowView } from '../ports/flow-workflow';
import { acceptsChanges } from '../ports/phase-transitions';
import { ControlledLetters } from './controlled-letters';
import { controlledSteps } from './controlled-steps';
import { type AdmittedDocument, assertFunctions, type DocumentAdmission } from './document-admission';
import { findFlow } from './find-flow';
import { FlowRevisions } from './flow-revisions';
import type { FlowStatuses } from './flow-statuses';
import { closedError, FlowWorkflowClient, isClosedError, isOpenError } from './flow-workflow-client';
import { followLogs, followStatus } from './follow-flow';

export interface FlowControllerProps {
  readonly workflows: FlowWorkflows;
  readonly store: FlowStore;
  readonly cluster: Cluster;
  readonly planner: FlowPlanner;
  readonly admission: DocumentAdmission;
  readonly statuses: FlowStatuses;
  readonly limits: FlowLimits;
  readonly letters: Letters;
  readonly stepStores: StepStores;
  readonly buckets: Pick<Buckets, 'fetch'>;
  /** Image of functions without an image of their own. */
  readonly image: string;
  /** Reasons why the controller is not ready, one line each. */
  readonly whyNotReady: () => Promise<readonly string[]>;
}

/** A scale or a rollback keeps functions paused or resumed as requested. */
const noUpdate = { updated: [], dropped: [] };

/** Attempts of a request that loses the race with another one. */
const maxAttempts = 5;

/** The service of flows: checks requests, passes them to the workflows, and reads statuses and history. */
export class FlowController implements FlowService {
  readonly letters: FlowLetters;
  readonly steps: FlowSteps;
  private readonly client: FlowWorkflowClient;
  private readonly revisions: FlowRevisions;

  constructor(private readonly props: FlowControllerProps) {
    this.client = new FlowWorkflowClient(props);
    this.revisions = new FlowRevisions(props);
    this.letters = new ControlledLetters({ ...props, client: this.client });
    this.steps = controlledSteps({ ...props, client: this.client });
  }

  async submit(flow: FlowKey, text: string, requester: Requester): Promise<SubmitResult> {
    const { admission, store } = this.props;
    const open = await this.client.describe(flow);
    // the admission would store a lost document again, without the streams that are lost with it
    if (open?.isOpen) await this.assertDocument(flow, open.memo?.digest);
    const admitted = await admission.admit(flow, text);
    const { topology, warnings } = admitted;
    for (let attempt = 1; ; attempt++) {
      const view = await this.client.describe(flow);
      if (view?.isOpen) return { ...(await this.resubmit(flow, view, admitted)), warnings };
      const record = await store.record(flow);
      const last = record?.revisions.at(-1);
      const digest = last === undefined ? admitted.digest : await admission.digestOf(flow, admitted, last.digest);
      if (last !== undefined && last.digest !== digest) await admission.assertResumable(flow, last.digest, text);
      await store.putDocument(flow, text); // a concurrent delete may have removed it
      try {
        await this.client.start(flow, { digest, mode: topology.mode }, { record, requester });
      } catch (error) {
        // another submit came first: compare with its document
        if (isOpenError(error) && attempt < maxAttempts) continue;
        throw error;
      }
      const isResumed = last !== undefined && record?.closed?.status !== 'Completed';
      return { outcome: isResumed ? 'resumed' : 'started', status: await this.status(flow), warnings };
    }
  }

  async update(namespace: string | undefined, text: string, requester: Requester): Promise<SubmitResult> {
    const flow = await this.flowOf(namespace, text);
    return this.revise(flow, { text, cause: 'update' }, requester);
  }

  async end(flow: FlowKey, ending: Ending, requester: Requester): Promise<FlowStatus> {
    if (ending === 'delete') await this.assertDocument(flow, await this.lastDigest(flow));
    for (let attempt = 1; ; attempt++) {
      if (await this.endOpen(flow, ending, requester)) return this.status(flow);
      const record = await this.props.store.record(flow);
      const status = await this.status(flow);
      // its workflow refuses requests as closed, and has not closed yet
      if (!isClosedPhase(status.status) && attempt < maxAttempts) continue;
      if (ending === 'stop') {
        if (status.status === 'Stopped') return status;
        throw closedError(flow, status, 'only an open flow can be stopped');
      }
      if (record === undefined || record.revisions.length === 0) return status;
      if (ending === 'delete' && status.status === 'Stopped') {
        throw closedError(flow, status, 'its data is kept for the next submit; use force=true to delete the data too');
      }
      try {
        await this.client.startEnding(flow, ending, { record, requester });
      } catch (error) {
        // another request came first
        if (isOpenError(error) && attempt < maxAttempts) continue;
        throw error;
      }
      return this.status(flow);
    }
  }

  /** Stops a flow whose workflow was ended in Temporal while its replicas ran. */
  async stopOrphan(flow: FlowKey): Promise<void> {
    const record = await this.props.store.record(flow);
    const requester = { by: 'kflow', comment: 'its workflow was ended in Temporal' };
    await this.client.startEnding(flow, 'stop', { record, requester });
  }

  /**
   * Deletes a flow whose owner object was deleted in the cluster, unless the flow is ending already. Of an unknown flow, the
   * remaining objects are removed.
   */
  async removeOwned(flow: FlowKey): Promise<void> {
    const requester = { by: 'kubernetes', comment: 'its owner object was deleted in the cluster' };
    const view = await this.props.workflows.describe(flow);
    if (view?.isOpen) {
      if (view.memo === undefined || !acceptsChanges(view.memo.phase)) return;
      await this.end(flow, 'delete', requester).catch((error) => {
        if (!isDocumentMissing(error)) throw error;
        return this.end(flow, 'force', requester);
      });
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
    const before = await this.props.store.document(flow, (await this.client.openMemo(flow)).digest);
    const text = this.props.admission.withParallelism(before, replicas);
    return this.revise(flow, { text, cause: 'scale' }, requester);
  }

  async replay(flow: FlowKey, replay: ReplayRequest, requester: Requester): Promise<FlowStatus> {
    const topology = await this.topologyOf(flow);
    const ids = topology.dag.map(({ id }) => id);
    assertFunctions(ids, [replay.function]);
    const plan = this.props.planner.planOf(topology);
    if (!plan.consumers.some((consumer) => consumer.function === replay.function)) {
      throw new ConfigError('setting-invalid', `${replay.function} is a source and has no input to re-read`);
    }
    const rewinds = [{ function: replay.function, start: startOf(replay.from) }];
    await this.client.request(flow, { kind: 'replay', rewinds }, requester);
    return this.status(flow);
  }

  async rollback(flow: FlowKey, revision: number | undefined, requester: Requester): Promise<SubmitResult> {
    const text = await this.revisions.rollbackDocument(flow, await this.client.openMemo(flow), revision);
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

  /** Throws StoreError `document-missing` when the document of a flow is lost: only a forced delete ends the flow then. */
  private async assertDocument(flow: FlowKey, digest: string | undefined): Promise<void> {
    if (digest === undefined || digest === '') return;
    await this.props.planner.topology(flow, digest).catch((error) => {
      if (isDocumentMissing(error)) throw error; // the request itself reports a store that is away
    });
  }

  /** The digest of the desired or last document; undefined or empty when there is none. */
  private async lastDigest(flow: FlowKey): Promise<string | undefined> {
    const view = await this.client.describe(flow);
    if (view?.isOpen) return view.memo?.digest;
    return (await this.props.store.record(flow))?.revisions.at(-1)?.digest;
  }

  /** Requests the end of an open flow. Returns false when the flow is closed. */
  private async endOpen(flow: FlowKey, ending: Ending, requester: Requester): Promise<boolean> {
    const command: FlowCommand = ending === 'stop' ? { kind: 'stop' } : { kind: 'delete', force: ending === 'force' };
    if (!(await this.client.describe(flow))?.isOpen) return false;
    try {
      await this.client.send(flow, command, requester);
      return true;
    } catch (error) {
      if (isClosedError(error)) return false;
      throw error;
    }
  }

  /** A submit of an open flow: has no effect if the document is the same. */
  private async resubmit(flow: FlowKey, { memo }: FlowWorkflowView, admitted: AdmittedDocument): Promise<SubmitResult> {
    const name = flowName(flow);
    if (memo !== undefined && !acceptsChanges(memo.phase)) {
      throw new StateError('state-invalid', `${name} is ${memo.phase}; submit it again once it is closed`, {
        where: name,
      });
    }
    if (memo !== undefined && (await this.props.admission.digestOf(flow, admitted, memo.digest)) === memo.digest)
      return { outcome: 'unchanged', status: await this.status(flow) };
    const message = `${name} runs with another document; update it (POST /kflows/update/v1), or stop or delete it first`;
    throw new StateError('flow-exists', message, { where: name });
  }

  private async revise(
    flow: FlowKey,
    { text, cause }: { readonly text: string; readonly cause: 'update' | 'scale' | 'rollback' },
    requester: Requester,
  ): Promise<SubmitResult> {
    for (let attempt = 1; ; attempt++) {
      const memo = await this.client.openMemo(flow);
      const { updated, dropped } =
        cause === 'update' ? await this.props.admission.assertUpdate(flow, memo.digest, text) : noUpdate;
      const admitted = await this.props.admission.admit(flow, text);
      const { warnings } = admitted;
      const digest = await this.props.admission.digestOf(flow, admitted, memo.digest);
      if (digest === memo.digest) return { outcome: 'unchanged', status: await this.status(flow), warnings };
      try {
        const command = { kind: 'update', digest, cause, base: memo.revision, updated, dropped } as const;
        await this.client.request(flow, command, requester);
        return { outcome: 'updated', status: await this.status(flow), warnings };
      } catch (error) {
        // retried if another update came first
        const isRetryable = error instanceof StateError && attempt < maxAttempts;
        if (!isRetryable || (await this.client.openMemo(flow)).revision === memo.revision) throw error;
      }
    }
  }

  private async change(
    flow: FlowKey,
    command: Extract<FlowCommand, { readonly kind: 'pause' | 'resume' | 'restart' }>,
    requester: Requester,
  ): Promise<FlowStatus> {
    if (command.functions.length > 0) {
      const known = (await this.topologyOf(flow)).dag.map(({ id }) => id);
      assertFunctions(known, command.functions);
    }
    await this.client.request(flow, command, requester);
    return this.status(flow);
  }

  /** The topology of an open flow. */
  private async topologyOf(flow: FlowKey): Promise<Topology> {
    return this.props.planner.topology(flow, (await this.client.openMemo(flow)).digest);
  }

  /** The flow that an update is for. */
  private async flowOf(namespace: string | undefined, text: string): Promise<FlowKey> {
    const names = readFlowNames(text);
    const { jobId } = names;
    if (jobId === undefined) throw new ConfigError('setting-missing', 'jobId: missing; an update must name its flow');
    const given = namespace ?? names.namespace;
    return given === undefined ? findFlow(this.props, jobId) : { namespace: given, jobId };
  }
}

function isDocumentMissing(error: unknown): boolean {
  return error instanceof KFlowError && error.code === 'document-missing';
}

function startOf(from: ReplayRequest['from']): RewindStart {
  if (from === 'first') return { from: 'first' };
  if ('sequence' in from) return { from: 'sequence', sequence: from.sequence };
  return { from: 'time', time: from.time };
}
