import type { ConsumerInfo, JetStreamManager } from 'nats';
import type { MessagePuller } from '../../../../runtime/adapters/jetstream/message-puller';
import { PartitionedInput } from '../../../../runtime/adapters/jetstream/partitions/partitioned-input';
import type { Delivery } from '../../../../runtime/engine/ports/delivery';

const ackWaitMs = 3_000;

/** The consumer of a partition, and the puller of this replica. */
class Partition {
  created = 'first';
  deliveries = 0;
  ackPending = 0;
  readonly demands: number[] = [];
  readonly answers: string[] = [];
  private onDelivery: (delivery: Delivery) => void = () => undefined;
  private onAnswer: (kind: 'ack' | 'nak', sequence: number) => void = () => undefined;

  readonly puller = {
    start: (onDelivery: (delivery: Delivery) => void) => {
      this.onDelivery = onDelivery;
    },
    onAnswered: (listener: (kind: 'ack' | 'nak', sequence: number) => void) => {
      this.onAnswer = listener;
    },
    demand: (messages: number) => this.demands.push(messages),
    expected: 0,
    stop: () => this.answers.push('stopped'),
    reconnected: () => this.answers.push('reconnected'),
  } as unknown as MessagePuller;

  /** Another replica gets a message. */
  deliverElsewhere(): void {
    this.deliveries++;
    this.ackPending++;
  }

  deliver(sequence: number, deliveries = 1, payload: { readonly length: number } = Buffer.alloc(10)): void {
    this.deliveries++;
    if (deliveries === 1) this.ackPending++;
    const answer = (kind: 'ack' | 'nak') => {
      this.answers.push(`${kind} ${sequence}`);
      if (kind === 'ack') this.ackPending--;
      this.onAnswer(kind, sequence);
    };
    const delivery = { sequence, deliveries, number: this.deliveries, stream: 's', payload };
    const answers = { ack: () => answer('ack'), nak: () => answer('nak') };
    this.onDelivery({
      ...delivery,
      ...answers,
      working: () => this.answers.push(`working ${sequence}`),
    } as unknown as Delivery);
  }

  info(): ConsumerInfo {
    const { created, deliveries, ackPending } = this;
    return {
      created,
      delivered: { consumer_seq: deliveries, stream_seq: 100 },
      num_ack_pending: ackPending,
    } as unknown as ConsumerInfo;
  }
}

let parts: readonly [Partition, Partition];
let input: PartitionedInput;
let passed: Delivery[];
let gone: number[];

beforeEach(() => {
  jest.useFakeTimers();
  parts = [new Partition(), new Partition()];
  passed = [];
  gone = [];
  const manager = { consumers: { info: async (_: string, durable: string) => parts[Number(durable)]?.info() } };
  const sources = parts.map(({ puller }, partition) => ({ stream: 's', durable: String(partition), puller }));
  input = new PartitionedInput(manager as unknown as JetStreamManager, sources, ackWaitMs);
});
afterEach(() => {
  jest.restoreAllMocks();
  input.stop();
  jest.useRealTimers();
});

async function start(): Promise<void> {
  input.start(
    (delivery) => passed.push(delivery),
    (sequence) => gone.push(sequence),
  );
  await asked();
}

/** Until the consumers of closed gates have been asked once more. */
const asked = () => jest.advanceTimersByTimeAsync(250);
const sequences = () => passed.map(({ sequence }) => sequence);

test('divides the demand among its partitions, and passes on what comes', async () => {
  await start();
  input.demand(9, 1_000);
  expect(parts.map(({ demands }) => demands.at(-1))).toEqual([5, 5]);
  parts[0].deliver(4);
  parts[1].deliver(2);
  expect(sequences()).toEqual([4, 2]);
});

test('asks for one message at a time, then for all that are missing, while another replica has some', async () => {
  parts[0].deliverElsewhere();
  parts[0].deliverElsewhere();
  await start();
  input.demand(100, 1_000);
  expect(new Set(parts[0].demands)).toEqual(new Set([1]));
  parts[0].deliver(9);
  parts[0].deliver(3, 2);
  await asked();
  expect([parts[0].demands.at(-1), sequences()]).toEqual([1, []]);
  parts[0].deliver(4, 2);
  await asked();
  expect(sequences()).toEqual([3, 4, 9]);
  expect(parts[0].demands.at(-1)).toBe(50);
});

test('renews the leases of what waits, and gives it back when it stops', async () => {
  parts[0].deliverElsewhere();
  await start();
  parts[0].deliver(9);
  await jest.advanceTimersByTimeAsync(ackWaitMs / 3);
  expect(parts[0].answers).toEqual(['working 9']);
  input.stop();
  parts[0].deliver(10);
  expect(parts[0].answers.slice(1)).toEqual(['stopped', 'nak 9', 'nak 10']);
});

test('gives back what has waited for another replica for long, which may wait, too', async () => {
  parts[0].deliverElsewhere();
  await start();
  parts[0].deliver(9);
  await jest.advanceTimersByTimeAsync(4 * ackWaitMs);
  expect(parts[0].answers).toContain('nak 9');
});

test('gives back what a request of before brings while it leaves a partition to others', async () => {
  jest.spyOn(Math, 'random').mockReturnValue(0.9);
  parts[0].deliverElsewhere();
  await start();
  parts[0].deliver(9);
  await jest.advanceTimersByTimeAsync(3 * ackWaitMs);
  parts[0].deliver(9, 2);
  const givenBack = () => parts[0].answers.filter((answer) => answer.startsWith('nak'));
  expect(givenBack()).toEqual(['nak 9', 'nak 9']);
  await jest.advanceTimersByTimeAsync(ackWaitMs);
  parts[0].deliver(9, 3);
  expect(givenBack()).toEqual(['nak 9', 'nak 9']);
});

test('closes after a reconnect until what it holds is acked or comes again', async () => {
  await start();
  parts[0].deliver(1);
  input.reconnected();
  parts[0].deliver(2);
  await asked();
  expect(sequences()).toEqual([1]);
  passed[0]?.ack();
  await asked();
  expect(sequences()).toEqual([1, 2]);
});

test('opens after a reconnect although what it holds waits for what comes behind it', async () => {
  await start();
  parts[0].deliver(1);
  input.reconnected();
  parts[0].deliver(2);
  await jest.advanceTimersByTimeAsync(ackWaitMs + 500);
  expect(parts[0].answers).toContain('nak 1');
  parts[0].deliver(1, 2);
  await asked();
  expect([sequences(), gone]).toEqual([[1, 1, 2], []]);
  expect(parts[0].answers.filter((answer) => answer === 'nak 1')).toHaveLength(1);
});

test('gives back nothing of what it holds while another replica has a message', async () => {
  await start();
  parts[0].deliver(1);
  parts[0].deliverElsewhere();
  input.reconnected();
  await jest.advanceTimersByTimeAsync(ackWaitMs + 500);
  expect(parts[0].answers).not.toContain('nak 1');
});

test('closes after a time in which leases may have ended, however lately it had looked', async () => {
  await start();
  parts[0].deliver(1);
  const now = performance.now();
  const clock = jest.spyOn(performance, 'now').mockReturnValue(now + 0.75 * ackWaitMs);
  await jest.advanceTimersByTimeAsync(ackWaitMs / 3);
  clock.mockRestore();
  parts[0].deliver(2);
  expect(sequences()).toEqual([1]);
});

test('reports a message that it has given back and that nobody has', async () => {
  await start();
  parts[0].deliver(1);
  passed[0]?.nak(1_000);
  parts[0].ackPending--; // removed from the stream
  await jest.advanceTimersByTimeAsync(100_000);
  expect(gone).toEqual([1]);
});

test('closes when the consumer is another one', async () => {
  await start();
  parts[0].deliver(1);
  Object.assign(parts[0], { created: 'second', deliveries: 0, ackPending: 0 });
  parts[0].deliver(2);
  await asked();
  expect(sequences()).toEqual([1]);
  parts[0].deliver(1);
  parts[0].deliver(2, 2);
  await asked();
  expect(sequences()).toEqual([1, 1, 2]);
});

test('pulls what it has given back although the reader has no room: what takes the room may wait for it', async () => {
  await start();
  input.demand(10, 1_000);
  parts[0].deliver(1);
  passed[0]?.nak(1_000);
  input.demand(0, 1_000);
  await jest.advanceTimersByTimeAsync(ackWaitMs / 3);
  expect(parts.map(({ demands }) => demands.at(-1))).toEqual([1, 0]);
});

test('pulls another message for one that it had acked and that comes again', async () => {
  await start();
  input.demand(2, 1_000);
  parts[0].deliver(1);
  passed[0]?.ack();
  const before = parts[0].demands.length;
  parts[0].deliver(1, 2);
  expect(parts[0].answers).toEqual(['ack 1', 'ack 1']);
  expect(parts[0].demands.slice(before)).toEqual([1]);
});

/** A payload of which only the size counts. */
const ofMiB = (size: number) => ({ length: size * 1024 * 1024 });
const demandsOf = (part: Partition) => part.demands.length;

test('leaves a partition to another replica that gets its messages, until that gets no more', async () => {
  parts[0].deliverElsewhere();
  await start();
  parts[0].demands.length = 0;
  for (let count = 0; count < 8; count++) {
    parts[0].deliverElsewhere();
    await asked();
  }
  expect(parts[0].demands).toEqual([]);
  await jest.advanceTimersByTimeAsync(1_500);
  expect(new Set(parts[0].demands)).toEqual(new Set([1]));
});

test('gives back what it has taken when another replica, which works, gets the message after it', async () => {
  parts[0].deliverElsewhere();
  await start();
  parts[0].deliver(9);
  await asked();
  expect(parts[0].answers).not.toContain('nak 9');
  parts[0].deliverElsewhere();
  await asked();
  expect(parts[0].answers).toContain('nak 9');
  const before = demandsOf(parts[0]);
  await jest.advanceTimersByTimeAsync(750);
  expect(demandsOf(parts[0])).toBe(before);
  await jest.advanceTimersByTimeAsync(3_000);
  expect(demandsOf(parts[0])).toBeGreaterThan(before);
});

test('keeps what it has taken when it has others in hand, or the messages of a replica that is gone', async () => {
  await start();
  parts[0].deliver(1);
  parts[0].deliverElsewhere();
  parts[0].deliver(2);
  parts[1].deliverElsewhere();
  await asked();
  parts[1].deliver(3, 2);
  for (const part of parts) part.deliverElsewhere();
  await asked();
  expect(parts.flatMap(({ answers }) => answers.filter((answer) => answer.startsWith('nak')))).toEqual([]);
});

test('gives back what is too much while another replica keeps a gate closed, and pulls no more until leases may have ended', async () => {
  parts[0].deliverElsewhere();
  await start();
  for (const sequence of [5, 6, 7]) parts[0].deliver(sequence, 1, ofMiB(10));
  await asked();
  expect(parts[0].answers.filter((answer) => answer.startsWith('nak'))).toEqual([]);
  parts[0].deliver(8, 1, ofMiB(10));
  const before = demandsOf(parts[0]);
  await asked();
  expect(parts[0].answers.filter((answer) => answer.startsWith('nak'))).toEqual(['nak 5', 'nak 6', 'nak 7', 'nak 8']);
  await jest.advanceTimersByTimeAsync(ackWaitMs - 1_250);
  expect(demandsOf(parts[0])).toBe(before);
  await jest.advanceTimersByTimeAsync(1_000);
  expect(demandsOf(parts[0])).toBeGreaterThan(before);
});

test('takes what a replica left behind that is gone, however large, from one partition after the other', async () => {
  for (const part of parts) {
    part.deliverElsewhere();
    part.deliverElsewhere();
  }
  await start();
  for (const part of parts) part.deliver(1, 2, ofMiB(20));
  const before = parts.map(demandsOf);
  await asked();
  expect(parts.map((part, index) => demandsOf(part) > (before[index] ?? 0))).toEqual([true, false]);
  parts[0].deliver(2, 2, ofMiB(20));
  await asked();
  await asked();
  expect(sequences()).toEqual([1, 2]);
  expect(demandsOf(parts[1])).toBeGreaterThan(before[1] ?? 0);
});

test('counts what it has requested to what waits', async () => {
  for (const part of parts) {
    for (let count = 0; count < 5; count++) part.deliverElsewhere();
  }
  await start();
  for (const part of parts) part.deliver(1, 2, ofMiB(6));
  const before = parts.map(demandsOf);
  Object.assign(parts[0].puller, { expected: 4 });
  await asked();
  expect(parts.map((part, index) => demandsOf(part) > (before[index] ?? 0))).toEqual([true, false]);
});
