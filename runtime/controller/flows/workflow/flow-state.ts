import { isClosedPhase } from '../../../api-contract/flow-phase';
import type { DriftCause } from '../../ports/workflows';
import type { FlowRecord, Revision } from '../ports/flow-record';
import type { FlowRequest } from '../ports/flow-request';
import type { AppliedState, DesiredState, FlowInput, FlowMemo } from '../ports/flow-workflow';
import { nextPhase, type PhaseEvent } from '../ports/phase-transitions';
import { carryApplied, keptHashesAfter, nothingApplied, restoreApplied } from './applied-state';
import { auditEvent } from './audit-event';
import {
  eventOf,
  omitFunctions,
  refusalOf,
  withoutUpdateRewinds,
  withRequest,
  withRewindsStarted,
} from './desired-state';
import type { FlowDocument, PlannedDocument, Transition } from './flow-activities';
import { FlowRecordWriter, type NewEvent } from './flow-record-writer';
import { rollbackTarget } from './revisions';
import type { WorkflowRuntime } from './workflow-runtime';

/**
 * The state of one flow in its workflow: desired state, applied state, phase and record. Only methods of this class change
 * it; each of them also updates the memo and the record.
 *
 * I1. The phase changes by `nextPhase` alone.
 * I2. `generation` increases whenever the desired state is replaced by a request or a rollback.
 * I3. Once `isClosed`, no request is accepted; the record is saved before the memo shows the closed phase.
 */
export class FlowState {
  private closed = false;
  private generationCount = 0;
  private desiredState: DesiredState = { revision: 0, isPaused: false, pauses: {}, restarts: {}, rewinds: [] };
  private appliedState = nothingApplied;
  private currentMemo: FlowMemo;
  private settledState: DesiredState | undefined;
  private hasDrifted = false;
  private halted = false;
  private readonly writer: FlowRecordWriter;

  constructor(
    private readonly input: FlowInput,
    private readonly runtime: WorkflowRuntime,
  ) {
    const { flow, begin } = input;
    const { runId, startTime } = runtime;
    if (begin.kind === 'continue') {
      const { record, goal, applied, memo } = begin.state;
      this.writer = new FlowRecordWriter(record, runtime, true);
      this.desiredState = goal;
      this.appliedState = restoreApplied(applied);
      this.currentMemo = memo;
    } else {
      const { revisions = [], epochs = {} } = begin.record ?? {};
      this.writer = new FlowRecordWriter({ ...flow, revisions, epochs, runId, startTime }, runtime, false);
      this.currentMemo = {
        phase: begin.kind === 'end' ? 'Stopping' : 'Running',
        since: startTime,
        startTime,
        runId,
        revision: 0,
        digest: '',
        mode: begin.kind === 'submit' ? begin.mode : 'stream',
        isSettled: false,
        pauses: {},
        ended: [],
      };
      this.begin(begin);
    }
    this.publish(this.desiredRevision());
  }

  get isClosed(): boolean {
    return this.closed;
  }

  get generation(): number {
    return this.generationCount;
  }

  get desired(): DesiredState {
    return this.desiredState;
  }

  get applied(): AppliedState {
    return this.appliedState;
  }

  get memo(): FlowMemo {
    return this.currentMemo;
  }

  get record(): FlowRecord {
    return this.writer.record;
  }

  /** Whether the desired state was applied in full. */
  get isSettled(): boolean {
    return this.settledState === this.desiredState;
  }

  /** Whether the last apply stopped replicas for a pause. */
  get isHalted(): boolean {
    return this.halted;
  }

  /** Why the flow refuses a request; undefined when it accepts the request. */
  refusalOf(request: FlowRequest): string | undefined {
    return refusalOf(this.memo.phase, this.desired, request);
  }

  /**
   * Accepts a request. Returns false when the request does not change the desired state, so that the steps in progress
   * continue. With `isRetry`, the steps start again anyway.
   */
  accept(request: FlowRequest, isRetry: boolean): boolean {
    if (request.kind === 'update') this.writer.addRevision(request);
    if (request.kind === 'restart') {
      this.change({ keptHashes: omitFunctions(this.applied.keptHashes, request.functions) });
    }
    const desired = withRequest(this.desired, request, this.writer.lastRevision?.number ?? 0);
    this.note(auditEvent(request));
    if (!isRetry && JSON.stringify(desired) === JSON.stringify(this.desired)) return false;
    this.desiredState = desired;
    this.publish({ pauses: desired.pauses, isSettled: false, reason: undefined, ...this.desiredRevision() });
    this.enter(eventOf(request));
    this.generationCount++;
    return true;
  }

  /**
   * Records that somebody changed the workloads in the cluster, or that something there is about to expire. Returns false when the desired state is not applied yet, or
   * the flow is ending: the steps in progress restore it.
   */
  drifted(what: string, cause: DriftCause = 'outside'): boolean {
    if (this.closed || this.desired.ending !== undefined || !this.isSettled) return false;
    this.settledState = undefined;
    this.hasDrifted = true;
    this.note(
      cause === 'due'
        ? { kind: 'notice', what: 'Renewed', message: what }
        : { kind: 'notice', what: 'WorkloadsRestored', message: `changed from outside: ${what}; restored` },
    );
    this.publish({ isSettled: false });
    this.generationCount++;
    return true;
  }

  /** Whether workloads were changed in the cluster since the desired state was applied. */
  get isDrifted(): boolean {
    return this.hasDrifted;
  }

  /**
   * Replaces a desired revision that does not become ready by an earlier one. Returns false when there is no revision to
   * roll back to.
   */
  rollBack(reason: string): boolean {
    const failed = this.writer.revision(this.desired.revision);
    const { revision, previous } = this.applied;
    const fallback = revision === this.desired.revision ? previous : revision;
    const target = failed && rollbackTarget(this.record.revisions, failed, fallback);
    if (failed === undefined || target === undefined) return false;
    const comment = `revision ${failed.number} did not become ready: ${reason}`;
    const at = new Date(this.runtime.now()).toISOString();
    this.writer.addRevision({ digest: target.digest, cause: 'auto-rollback', by: 'kflow', at, comment });
    const message = `${comment}; rolled back to revision ${target.number}`;
    this.note({ kind: 'notice', what: 'auto-rollback', message });
    const { number } = this.writer.lastRevision ?? target;
    this.writer.markProven(number); // a rollback is never rolled back itself
    this.desiredState = withoutUpdateRewinds({ ...this.desired, revision: number });
    this.publish({ ...this.desiredRevision(), isSettled: false, reason: comment });
    this.generationCount++;
    return true;
  }

  /** Runs functions of a batch again that have ended, and everything downstream: their dead letters are to be processed. */
  redriveDue(functions: readonly string[]): void {
    if (this.closed || this.desired.ending !== undefined) return;
    const rewinds = functions.map((id) => ({ function: id, start: { from: 'letters' } as const }));
    this.desiredState = { ...this.desiredState, rewinds: [...this.desiredState.rewinds, ...rewinds] };
    this.publish({ isSettled: false });
    this.generationCount++;
  }

  /** Records that streams and buckets exist, and which functions of a batch flow do not run again. */
  prepared(ended: readonly string[]): void {
    this.change({ isPrepared: true, ended });
    this.publish({ ended });
  }

  /** Records the hashes of the applied templates, and whether the apply stopped replicas for a pause. */
  hashesApplied(hashes: AppliedState['hashes'], isHalted: boolean): void {
    this.halted = isHalted;
    this.change({ hashes: { ...this.applied.hashes, ...hashes } });
  }

  /** Records that the consumers of these functions were moved: their outputs get new message ids. */
  epochStarted(functions: readonly string[]): void {
    this.writer.startEpoch(functions);
  }

  /** Records that these functions of a batch flow run again. */
  reopened(functions: readonly string[]): void {
    const ended = this.applied.ended.filter((id) => !functions.includes(id));
    this.change({ ended });
    this.publish({ ended });
  }

  /** Removes the re-reads and counts the restarts of a transition. Returns the new desired state. */
  transitionStarted(started: DesiredState, transition: Transition): DesiredState {
    this.change({ keptHashes: keptHashesAfter(this.applied, transition, started.rewinds) });
    this.desiredState = withRewindsStarted(this.desired, started, transition);
    return this.desired;
  }

  /** Records that a revision was applied, at least in part. */
  revisionApplied(revision: number, previous: number): void {
    this.change({ revision, previous });
  }

  /** Records that all replicas of a revision were ready. */
  markProven(number: number): void {
    this.writer.markProven(number);
  }

  /** Enters `Paused`. `leftover` describes the records that are still in flight. */
  paused(leftover: string | undefined): void {
    this.enter('paused', leftover);
  }

  /** Records that `desired` was applied in full. */
  settled(desired: DesiredState): void {
    this.settledState = desired;
    this.hasDrifted = false;
    this.publish({ isSettled: true });
  }

  /** Shows in the memo why the flow makes no progress; undefined clears the reason. */
  explain(reason: string | undefined): void {
    this.publish({ reason });
  }

  note(event: NewEvent): void {
    this.writer.note(event);
  }

  /** Records that the flow's data was removed. */
  dataRemoved(): void {
    this.writer.clear();
    this.desiredState = { ...this.desired, rewinds: [] };
    this.publish(this.desiredRevision());
  }

  /** Closes the flow: saves the record, then publishes the memo. Throws StateError when the phase does not allow the event. */
  async close(event: PhaseEvent, reason?: string): Promise<void> {
    const status = nextPhase(this.memo.phase, event);
    if (!isClosedPhase(status)) throw new Error(`${event} does not close a flow`);
    this.closed = true;
    const closeTime = new Date(this.runtime.now()).toISOString();
    this.note({ kind: 'phase', what: status, at: closeTime, message: reason });
    const { rewinds } = this.desired;
    this.writer.close({
      ...(rewinds.length === 0 ? {} : { rewinds }),
      closed: { status, closeTime, ...(reason === undefined ? {} : { reason }) },
    });
    await this.save();
    this.publish({ phase: status, since: closeTime, reason });
  }

  save(): Promise<void> {
    return this.writer.save([this.applied.revision, this.applied.previous, this.desired.revision]);
  }

  /** The document of a revision; its digest is empty when the flow has no such revision. */
  documentOf(revision: number): FlowDocument {
    return { flow: this.input.flow, digest: this.revision(revision)?.digest ?? '' };
  }

  plannedDocumentOf(revision: number): PlannedDocument {
    return { ...this.documentOf(revision), epochs: this.record.epochs };
  }

  revision(number: number): Revision | undefined {
    return this.writer.revision(number);
  }

  get lastRevision(): Revision | undefined {
    return this.writer.lastRevision;
  }

  /** The input of the next run of the workflow. */
  carry(): FlowInput {
    const { record, desired: goal, memo } = this;
    return {
      ...this.input,
      begin: { kind: 'continue', state: { record, goal, applied: carryApplied(this.applied), memo } },
    };
  }

  /** Starts from the record of the flow's previous workflow. */
  private begin(begin: Exclude<FlowInput['begin'], { readonly kind: 'continue' }>): void {
    const { by, at, comment } = begin;
    const what = begin.kind === 'submit' ? 'submit' : begin.ending === 'stop' ? 'stop' : 'delete';
    this.note({ kind: 'audit', what, by, at, comment });
    if (begin.kind === 'submit') this.writer.addRevision({ ...begin, cause: 'submit' });
    else this.desiredState = { ...this.desired, ending: begin.ending };
    const rewinds = begin.record?.rewinds ?? [];
    this.desiredState = { ...this.desired, revision: this.writer.lastRevision?.number ?? 0, rewinds };
  }

  private desiredRevision(): Pick<FlowMemo, 'revision' | 'digest'> {
    const { revision } = this.desired;
    return { revision, digest: this.writer.revision(revision)?.digest ?? '' };
  }

  private change(change: Partial<AppliedState>): void {
    this.appliedState = { ...this.appliedState, ...change };
  }

  private enter(event: PhaseEvent, reason?: string): void {
    const phase = nextPhase(this.memo.phase, event);
    if (phase === this.memo.phase) return;
    this.note({ kind: 'phase', what: phase, message: reason });
    this.publish({ phase, since: new Date(this.runtime.now()).toISOString(), reason });
  }

  private publish(change: Partial<FlowMemo>): void {
    this.currentMemo = { ...this.currentMemo, ...change };
    this.runtime.publishMemo(this.currentMemo);
  }
}
