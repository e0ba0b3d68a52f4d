import { ConfigError, type KFlowError } from '../../../lib/errors';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { maxAckPending } from '../../../lib/plan/replica-lifecycle';
import { pause } from '../../async/pause';
import { cutFailure, failureOf } from '../failures';
import { type HeldRecord, type KeptOutput, RecordState } from '../held-records';
import type { RecordWriter } from '../output-writer';
import type { GroupLog } from '../ports/group-log';
import type { Failure, LogLevel } from '../ports/host';
import { AckGroups } from './ack-groups';

export interface ManualAckPorts {
  readonly spec: FunctionSpec;
  readonly writer: RecordWriter;
  readonly groupLog?: GroupLog | undefined;
  /** One thing that a record waited for is settled. */
  readonly settled: (record: HeldRecord, error: KFlowError | undefined) => void;
  /** The record waits: it does not count as held. */
  readonly setAside: (record: HeldRecord) => void;
  readonly giveBack: (record: HeldRecord) => void;
  /** The outputs of a group cannot be stored: what the function knows of its records is void. */
  readonly groupFailed: () => void;
  /** More records wait than a replica can hold. */
  readonly overflowed: (error: KFlowError) => void;
  readonly log: (level: LogLevel, text: string) => void;
}

/** The id of the function's finish: no record has it. */
export const lastCallId = 0xffff_ffff;

/** Records that may wait in a replica, and the bytes of their payloads and outputs. */
const maxWaiting = 10_000;
const maxWaitingBytes = 64 * 1024 * 1024;

const outOfTime: Failure = { type: 'timed out', message: 'finish did not return in time' };

/** The last call that is going on. */
interface LastCall {
  readonly record: HeldRecord;
  isRequested: boolean;
  failure?: Failure;
  readonly end: () => void;
}

/**
 * The acks that a function requests itself: `meta.ack: manual`, or `AckProps(manual=True)`.
 *
 * A function that has a finish gets a last call before its host ends: it may request the acks of the records that wait, and
 * what it returns is sent with them, as outputs of the one that came last.
 */
export class ManualAcks {
  private readonly groups: AckGroups;
  private readonly limit: number;
  private lastCall: LastCall | undefined;
  /** Records that were given back because the function had not requested their acks. */
  givenBack = 0;

  constructor(private readonly ports: ManualAckPorts) {
    this.limit = Math.min(maxWaiting, Math.floor(maxAckPending / ports.spec.replicas));
    this.groups = new AckGroups({
      ...ports,
      settled: (record, error) => ports.settled(record, error),
      failed: () => ports.groupFailed(),
    });
  }

  /** Whether the last call is going on. */
  get isInLastCall(): boolean {
    return this.lastCall !== undefined;
  }

  /** Number of records that wait. */
  get size(): number {
    return this.groups.size;
  }

  /** What waits does not count as held: the records and their payload bytes. */
  get aside(): { readonly records: number; readonly bytes: number } {
    return { records: this.groups.size, bytes: this.groups.payloadBytes };
  }

  /** The record to which the outputs of the last call belong; undefined for any other id. */
  recordOf(id: number): HeldRecord | undefined {
    return id === lastCallId ? this.lastCall?.record : undefined;
  }

  /** Keeps a main output until its ack is requested. One that no stream takes fails its record. */
  keep(record: HeldRecord, kept: KeptOutput): void {
    const refusal = this.ports.writer.refusal(kept.payload.length);
    if (refusal === undefined) this.groups.keep(record, kept);
    else if (this.lastCall?.record === record) this.lastCall.failure ??= failureOf(refusal);
    else record.failure ??= cutFailure(failureOf(refusal));
  }

  /** The function requests acks while it processes the record; without one, it has returned from all. */
  request(record: HeldRecord | undefined): void {
    if (this.lastCall === undefined) this.groups.request(record);
    else this.lastCall.isRequested = true;
  }

  /** The record has succeeded: it waits until the function requests its ack, or is acked with those that have waited. */
  ended(record: HeldRecord): void {
    this.groups.ended(record);
    if (record.state === RecordState.Waiting) this.ports.setAside(record);
    if (this.groups.size < this.limit && this.groups.bytes < maxWaitingBytes) return;
    const { size, bytes } = this.groups;
    const what = `${size} records (${Math.ceil(bytes / 1024 ** 2)} MiB) wait for an ack that the function has not requested`;
    const limits = `a replica holds ${this.limit} records, or ${maxWaitingBytes / 1024 ** 2} MiB`;
    const todo = 'call ctx.request_ack() (TypeScript: ctx.requestAck()) for fewer records at a time';
    this.ports.overflowed(new ConfigError('ack-missing', `${this.ports.spec.function}: ${what}; ${limits}; ${todo}`));
  }

  /**
   * The host is gone: no record waits any more. Returns those that run again; those with a file are given back, because the
   * function may have deleted it.
   */
  takeToRepeat(): readonly HeldRecord[] {
    this.lastCallEnded(lastCallId, { type: 'crashed', message: 'its process is gone' });
    const waiting = this.groups.takeAll();
    for (const record of waiting) if (record.download !== undefined) this.ports.giveBack(record);
    return waiting.filter(({ download }) => download === undefined);
  }

  /** Gives back the records that wait. */
  giveBackAll(): void {
    this.lastCallEnded(lastCallId, outOfTime);
    const waiting = this.groups.takeAll();
    this.givenBack += waiting.length;
    for (const record of waiting) this.ports.giveBack(record);
  }

  /** Runs the function's finish by `call`, and sends what waits if it requests that. Resolves at the end or at the deadline. */
  async runLastCall(call: (id: number) => void, deadlineMs: number): Promise<void> {
    const record = this.groups.latest;
    if (record === undefined) return;
    const ended = new AbortController();
    const lastCall: LastCall = { record, isRequested: false, end: () => ended.abort() };
    this.lastCall = lastCall;
    call(lastCallId);
    await pause(Math.max(0, deadlineMs - Date.now()), ended.signal);
    this.lastCall = undefined;
    if (!ended.signal.aborted) lastCall.failure ??= outOfTime;
    const { failure, isRequested } = lastCall;
    if (failure !== undefined) this.ports.log('ERROR', `finish failed: ${failure.type}: ${failure.message}`);
    else if (isRequested) this.groups.request(undefined);
  }

  /** The last call has returned or failed; false if the id is another's. */
  lastCallEnded(id: number, failure?: Failure): boolean {
    if (id !== lastCallId || this.lastCall === undefined) return false;
    if (failure !== undefined) this.lastCall.failure ??= failure;
    this.lastCall.end();
    return true;
  }
}
