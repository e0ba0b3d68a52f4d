import type { ConsumerInfo, JetStreamManager } from 'nats';
import { PartitionGate } from '../../../engine/order/partition-gate';
import type { Delivery, DeliverySource } from '../../../engine/ports/delivery';
import type { JetStreamDelivery, MessagePuller } from '../message-puller';

/** How often a consumer is asked while its gate is closed. */
const settleEveryMs = 250;
/** Limits of one request for messages that wait at a closed gate, and of all that wait at the gates of an input, in bytes. */
const requestBytes = 4 * 1024 * 1024;
const waitingBytes = 32 * 1024 * 1024;
/** Another replica that got a message gets no more: a replica with nothing of the partition in hand pulls again. */
const quietMs = 1_000;
/** Somebody else has kept a gate closed for so many leases: what waits there is given back, in case both wait for each other. */
const patienceLeases = 3;

/** The consumer of one partition. */
export interface PartitionSource {
  readonly stream: string;
  readonly durable: string;
  readonly puller: MessagePuller;
}

interface Part extends PartitionSource {
  readonly gate: PartitionGate;
  /** Creation time of the consumer; empty before it is asked. */
  created: string;
  isAsking: boolean;
  /** Since when the gate has been closed, and until when the consumer is not asked; by `performance.now()`. */
  closedAtMs: number;
  restsUntilMs: number;
  /** The last message was delivered before: others that nobody has acked may follow. */
  isRedelivering: boolean;
  /** Number of the last delivery here. */
  lastNumber: number;
  /** Number of the consumer's last delivery when it was last asked, -1 before; and when that was seen to rise. */
  deliveries: number;
  deliveredAtMs: number;
}

/**
 * The partitions of an input that this replica reads. Each delivers its messages in order: see `PartitionGate`.
 *
 * I1. While the gate of a partition is closed, no more is pulled than is missing, and one message at a time until the server
 *     redelivers. Nothing is pulled or kept while another replica gets messages and this one has none in hand: a message that is
 *     taken closes the gate of the other.
 * I2. The leases of messages that wait are renewed. After a time in which leases may have ended, the gate closes.
 * I3. What was given back is pulled again although there is no room: the records that take the room may wait for it.
 * I4. A gate that has been closed for a lease, and only for what is in hand and does not count, gives that back: the server delivers
 *     it again. The reader goes on with it meanwhile.
 * I5. What waits is limited in bytes. When it is too much, messages that were not delivered before are given back, and none are
 *     pulled until the leases of a replica that is gone have ended. What is redelivered must wait here whole, so one partition
 *     after the other may exceed the limit.
 */
export class PartitionedInput implements DeliverySource {
  private readonly parts: readonly Part[];
  private onDelivery: (delivery: Delivery) => void = () => undefined;
  private onGone: (sequence: number) => void = () => undefined;
  private isStopped = false;
  private timers: readonly NodeJS.Timeout[] = [];
  private keptAtMs = performance.now();
  private room = { messages: 0, bytes: 0 };

  constructor(
    private readonly manager: Pick<JetStreamManager, 'consumers'>,
    sources: readonly PartitionSource[],
    private readonly ackWaitMs: number,
  ) {
    const times = { closedAtMs: 0, restsUntilMs: 0, deliveredAtMs: -quietMs };
    const start = { ...times, created: '', isAsking: false, isRedelivering: false, lastNumber: 0, deliveries: -1 };
    this.parts = sources.map((source) => ({ ...source, ...start, gate: new PartitionGate() }));
    for (const { puller, gate } of this.parts) {
      puller.onAnswered((kind, sequence) => {
        if (kind === 'ack') gate.ended(sequence);
        else gate.gaveBack(sequence, performance.now());
      });
    }
  }

  start(onDelivery: (delivery: Delivery) => void, onGone: (sequence: number) => void = () => undefined): void {
    this.onDelivery = onDelivery;
    this.onGone = onGone;
    this.keptAtMs = performance.now();
    for (const part of this.parts) {
      part.closedAtMs = this.keptAtMs;
      part.puller.start((delivery) => this.receive(part, delivery));
    }
    this.askClosed();
    this.timers = [
      setInterval(() => this.askClosed(), settleEveryMs),
      setInterval(() => this.keep(), this.ackWaitMs / 3),
    ];
  }

  demand(messages: number, bytes: number): void {
    this.room = { messages, bytes };
    for (const part of this.parts) this.pull(part);
  }

  stop(): void {
    this.isStopped = true;
    for (const timer of this.timers) clearInterval(timer);
    for (const { puller, gate } of this.parts) {
      puller.stop();
      for (const delivery of gate.held) delivery.nak(0);
    }
  }

  reconnected(): void {
    for (const part of this.parts) {
      part.puller.reconnected();
      this.doubt(part);
    }
  }

  /** Messages that were delivered before. */
  get redelivered(): number {
    return this.parts.reduce((sum, { puller }) => sum + puller.redelivered, 0);
  }

  private get hasRoom(): boolean {
    return this.room.messages > 0 && this.room.bytes > 0;
  }

  private pull({ puller, gate }: Part): void {
    if (!gate.isOpen || this.isStopped) return;
    const { messages, bytes } = this.room;
    puller.demand(Math.ceil(messages / this.parts.length), Math.floor(bytes / this.parts.length));
  }

  private receive(part: Part, delivery: JetStreamDelivery): void {
    if (this.isStopped) {
      delivery.nak(0);
      return;
    }
    const wasOpen = part.gate.isOpen;
    part.isRedelivering = delivery.deliveries > 1;
    part.lastNumber = delivery.number;
    const passed = part.gate.receive(delivery, delivery.number);
    if (passed !== undefined) this.onDelivery(passed);
    else if (performance.now() < part.restsUntilMs)
      this.giveBackHeld(part); // by a request of before
    else this.pull(part); // the reader does not know of a message that was acked before, and demands no other
    if (wasOpen && !part.gate.isOpen) this.closed(part);
  }

  private closed(part: Part): void {
    part.closedAtMs = performance.now();
    part.deliveries = -1;
    void this.ask(part);
  }

  /** Closes the gate of a partition until it is known who has what. */
  private doubt(part: Part): void {
    this.giveBackHeld(part);
    this.closed(part);
  }

  private giveBackHeld({ gate }: Part): void {
    for (const delivery of gate.doubt()) delivery.nak(0);
  }

  private askClosed(): void {
    const nowMs = performance.now();
    for (const part of this.parts) {
      if (part.gate.isOpen || nowMs < part.restsUntilMs) continue;
      if (nowMs - part.closedAtMs < patienceLeases * this.ackWaitMs) void this.ask(part);
      else {
        this.rest(part, nowMs + Math.random() * this.ackWaitMs);
        part.closedAtMs = part.restsUntilMs;
      }
    }
  }

  /** Gives back what waits, for a time: another replica may wait for it, as this one waits for what the other has. */
  private rest(part: Part, untilMs: number): void {
    this.giveBackHeld(part);
    part.restsUntilMs = untilMs;
    part.isRedelivering = false;
  }

  private async ask(part: Part): Promise<void> {
    if (part.isAsking) return;
    part.isAsking = true;
    const { changes } = part.gate;
    const info = await this.manager.consumers.info(part.stream, part.durable).catch(() => undefined);
    part.isAsking = false;
    // away, or being recreated
    if (info !== undefined && !this.isStopped) this.settle(part, info, changes);
  }

  private settle(part: Part, info: ConsumerInfo, changes: number): void {
    const { gate } = part;
    const wasOpen = gate.isOpen;
    const created = String(info.created);
    if (part.created !== '' && part.created !== created) this.giveBackHeld(part);
    part.created = created;
    const { consumer_seq: deliveries, stream_seq: delivered } = info.delivered;
    const counts = { deliveries, delivered, ackPending: info.num_ack_pending };
    const { gone, passed } = gate.settle(counts, changes, performance.now());
    for (const sequence of gone) this.onGone(sequence);
    for (const delivery of passed) this.onDelivery(delivery);
    const others = gate.othersOf(counts);
    if (gate.isOpen && !wasOpen) this.pull(part);
    const { uncounted } = gate;
    const isLong = !gate.isOpen && performance.now() - part.closedAtMs > this.ackWaitMs;
    if (isLong && others === uncounted.length) for (const delivery of uncounted) delivery.nak(0); // I4
    const isOthers = this.isOthers(part, deliveries);
    if (!gate.isOpen && others > 0 && !isOthers) this.pullMissing(part, others);
  }

  /** I1: whether the partition is left to another replica, which gets its messages. */
  private isOthers(part: Part, deliveries: number): boolean {
    const { gate, lastNumber, isRedelivering } = part;
    const nowMs = performance.now();
    const before = part.deliveries;
    part.deliveries = deliveries;
    if (before >= 0 && before !== deliveries) part.deliveredAtMs = nowMs;
    if (gate.isOpen || !gate.isEmptyHanded) return false;
    if (gate.held.length === 0) return before < 0 || nowMs - part.deliveredAtMs < quietMs;
    if (isRedelivering || deliveries <= lastNumber) return false;
    this.rest(part, nowMs + (1 + Math.random()) * quietMs);
    return true;
  }

  /** I1, I5 */
  private pullMissing(part: Part, others: number): void {
    const { puller, isRedelivering, closedAtMs } = part;
    const room = waitingBytes - this.waitingOrExpected();
    if (room > 0) puller.demand(isRedelivering ? others : 1, Math.min(requestBytes, room));
    else if (!isRedelivering) {
      const nowMs = performance.now();
      const leasesEndMs = closedAtMs + this.ackWaitMs;
      this.rest(part, leasesEndMs > nowMs ? leasesEndMs : nowMs + this.ackWaitMs);
    } else if (part === this.parts.find(({ gate, ...each }) => each.isRedelivering && !gate.isOpen))
      puller.demand(others, requestBytes);
  }

  /** Bytes of what waits, and of what was requested. */
  private waitingOrExpected(): number {
    return this.parts.reduce((sum, { gate, puller }) => {
      const { held, heldBytes } = gate;
      return sum + heldBytes + (heldBytes / Math.max(1, held.length)) * puller.expected;
    }, 0);
  }

  /** I2 */
  private keep(): void {
    const nowMs = performance.now();
    const wasFrozen = nowMs - this.keptAtMs > (2 * this.ackWaitMs) / 3; // leases were renewed up to a third before
    this.keptAtMs = nowMs;
    for (const part of this.parts) {
      if (wasFrozen) this.doubt(part);
      for (const delivery of part.gate.held) delivery.working();
      if (!part.gate.isOpen) continue;
      if (part.gate.mayMiss(nowMs)) void this.ask(part);
      if (part.gate.misses && !this.hasRoom) part.puller.demand(1, requestBytes); // I3
    }
  }
}
