import type { KFlowError } from '../../../lib/errors';
import { pause } from '../../async/pause';
import { cutFailure, decideFailure, failureOf } from '../failures';
import type { CreateHost, Failure, Generated, Host, HostEvents, HostRecord } from '../ports/host';
import type { Aggregates } from './aggregates';
import { FinishAttempt } from './finish-attempt';

/** Ids of finishes, from above: no record has them. */
const firstId = 0xffff_ffff;

/**
 * A host that notes its state before a record is acked, and runs the function's finish before it closes.
 *
 * A function that requests acks itself keeps no state of records that are acked: its host is passed on as it is.
 *
 * H1. An outcome of a record that waits for the note is dropped with the host: the record runs again.
 */
export class AggregateHost implements Host {
  private readonly host: Host;
  private attempt: FinishAttempt | undefined;
  private nextId = firstId;
  private isGone = false;

  constructor(
    private readonly aggregates: Aggregates,
    create: CreateHost,
    private readonly events: HostEvents,
  ) {
    this.host = create(this.receiver());
  }

  get concurrency(): number {
    return this.host.concurrency;
  }

  get reportsBegan(): true | undefined {
    return this.host.reportsBegan;
  }

  get hasFinish(): boolean {
    return this.host.hasFinish === true;
  }

  async open(): Promise<void> {
    await this.host.open();
    if (this.hasFinish && !this.acksManually) await this.aggregates.opened();
  }

  get acksManually(): boolean {
    return this.host.acksManually === true;
  }

  finish(id: number): void {
    this.host.finish?.(id);
  }

  process(records: readonly HostRecord[]): void {
    this.host.process(records);
  }

  generate(): Promise<Generated> {
    return this.host.generate();
  }

  release(): void {
    this.host.release();
  }

  flush(): void {
    this.host.flush?.();
  }

  /** Runs the finish, and stores the aggregate, before the host is closed. The host must process no record. */
  async close(): Promise<void> {
    const { aggregates } = this;
    if (this.hasFinish && !this.acksManually && !this.isGone && (aggregates.acked > 0 || aggregates.isAtEnd))
      await this.runFinish();
    if (this.isGone) return;
    this.isGone = true;
    await this.host.close();
  }

  async kill(): Promise<void> {
    this.gone('its process was ended before the aggregate was stored');
    await this.host.kill();
  }

  /** A finish that fails is retried like a record. */
  private async runFinish(): Promise<void> {
    const { aggregates } = this;
    const { spec, log } = aggregates.ports;
    for (let count = 1; ; count++) {
      const failure = await this.runOnce();
      if (failure === undefined) return aggregates.stored();
      const text = `finish: attempt ${count} of ${spec.maxDeliver} failed: ${failure.type}: ${failure.message}`;
      log('ERROR', failure.trace === undefined ? text : `${text}\n${failure.trace}`);
      const decision = decideFailure(failure, count, spec.maxDeliver);
      const nowMs = Date.now();
      const isLate = decision.kind === 'retry' && nowMs + decision.delayMs > aggregates.deadlineMs(nowMs);
      if (decision.kind === 'dead-letter' || this.isGone || isLate) {
        aggregates.lost(`finish failed: ${failure.type}: ${failure.message}`);
        return;
      }
      await pause(decision.delayMs);
    }
  }

  private async runOnce(): Promise<Failure | undefined> {
    const id = this.nextId--;
    this.attempt = new FinishAttempt(id, this.aggregates);
    this.host.finish?.(id);
    const failure = await this.attempt.ended;
    this.attempt = undefined;
    if (failure?.type === 'TimedOut' && !this.isGone) {
      this.isGone = true;
      await this.host.kill();
    }
    return failure;
  }

  /** The state is gone with the host. */
  private gone(why: string): void {
    if (this.isGone) return;
    this.isGone = true;
    if (this.attempt !== undefined) this.attempt.failed({ type: 'Crashed', message: why, isFinal: true });
    else if (this.hasFinish && !this.acksManually) this.aggregates.lost(why);
  }

  private receiver(): HostEvents {
    const { events } = this;
    const isFinish = (id: number) => id > this.nextId && !this.acksManually;
    const finish = (id: number) => (this.attempt?.id === id ? this.attempt : undefined);
    return {
      began: (id) => events.began?.(id),
      waits: (id, why) => events.waits?.(id, why),
      output: (id, payload, side) => {
        if (isFinish(id)) return finish(id)?.output(payload, side);
        return events.output(id, payload, side);
      },
      done: (id) => (isFinish(id) ? finish(id)?.done() : this.done(id)),
      failed: (id, failure) => (isFinish(id) ? finish(id)?.failed(cutFailure(failure)) : events.failed(id, failure)),
      released: (id) => events.released(id),
      heartbeat: (id) => (isFinish(id) ? finish(id)?.heartbeat() : events.heartbeat(id)),
      ackRequested: (id) => events.ackRequested?.(id),
      log: (level, text, id) => events.log(level, text, id),
      crashed: (cause: KFlowError) => {
        this.gone(cause.message);
        events.crashed(cause);
      },
    };
  }

  private done(id: number): void {
    const { aggregates, events } = this;
    const noted = this.hasFinish && !this.acksManually ? aggregates.beforeAck() : undefined;
    if (noted === undefined) this.passDone(id);
    else
      noted.then(
        () => this.isGone || this.passDone(id), // H1
        (error: unknown) => this.isGone || events.failed(id, failureOf(error)),
      );
  }

  private passDone(id: number): void {
    if (this.hasFinish) this.aggregates.acked++;
    this.events.done(id);
  }
}
