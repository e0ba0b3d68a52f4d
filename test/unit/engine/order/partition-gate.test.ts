import { PartitionGate } from '../../../../runtime/engine/order/partition-gate';
import type { Delivery } from '../../../../runtime/engine/ports/delivery';

let gate: PartitionGate;
let acks: number[];
beforeEach(() => {
  gate = new PartitionGate();
  acks = [];
});

function deliveryOf(sequence: number): Delivery {
  return { sequence, ack: () => acks.push(sequence) } as unknown as Delivery;
}

/** The sequence, if the message is passed on. */
function receive(sequence: number, number: number): number | undefined {
  return gate.receive(deliveryOf(sequence), number)?.sequence;
}

interface Asked {
  readonly deliveries?: number;
  readonly delivered?: number;
  readonly nowMs?: number;
  readonly changes?: number;
}

/** The consumer is asked, and answers: the sequences that are passed on. */
function settle(ackPending: number, { deliveries = 0, ...asked }: Asked = {}): number[] {
  return settled(ackPending, { deliveries, ...asked }).passed;
}

function settled(ackPending: number, asked: Asked = {}) {
  const { deliveries = 0, delivered = 100, nowMs = 0, changes = gate.changes } = asked;
  const { passed, gone } = gate.settle({ deliveries, delivered, ackPending }, changes, nowMs);
  return { passed: passed.map(({ sequence }) => sequence), gone };
}

test('passes messages on once nobody has unacked ones', () => {
  expect([gate.isOpen, settle(0), gate.isOpen]).toEqual([false, [], true]);
  expect([receive(1, 1), receive(5, 2), receive(9, 3)]).toEqual([1, 5, 9]);
});

test('continues after the deliveries of replicas before it', () => {
  settle(0, { deliveries: 40 });
  expect(receive(7, 41)).toBe(7);
});

test('holds what comes while another replica has unacked messages, and passes all on in order when it has them itself', () => {
  expect(settle(2, { deliveries: 6 })).toEqual([]);
  expect([receive(8, 7), receive(5, 8)]).toEqual([undefined, undefined]);
  expect(settle(3, { deliveries: 8 })).toEqual([]);
  expect(receive(3, 9)).toBeUndefined();
  expect([settle(3, { deliveries: 9 }), gate.isOpen]).toEqual([[3, 5, 8], true]);
  expect(receive(11, 10)).toBe(11);
});

test('closes when a delivery is missing, until the message is acked or delivered again', () => {
  settle(0);
  expect([receive(1, 1), receive(3, 3), gate.isOpen]).toEqual([1, undefined, false]);
  expect(settle(3, { deliveries: 3 })).toEqual([]);
  expect(receive(2, 4)).toBeUndefined();
  expect(settle(3, { deliveries: 4 })).toEqual([2, 3]);
});

test('does not open on an answer that is older than what was received, acked or given back since', () => {
  settle(0);
  receive(1, 1);
  receive(3, 3);
  const { changes } = gate;
  gate.ended(1);
  expect(settle(1, { deliveries: 3, changes })).toEqual([]);
  expect(settle(1, { deliveries: 3 })).toEqual([3]);
});

test('passes on a message again that it has given back', () => {
  settle(0);
  receive(1, 1);
  gate.gaveBack(1, 0);
  expect(receive(1, 2)).toBe(1);
});

test('does not count a message that it has given back: another replica may have it', () => {
  settle(0);
  receive(1, 1);
  gate.gaveBack(1, 0);
  receive(3, 3);
  expect(settled(2, { deliveries: 3 })).toEqual({ passed: [], gone: [] });
  expect(settled(1, { deliveries: 4 })).toEqual({ passed: [3], gone: [1] });
});

test('acks a message again that it has acked, and does not pass it on', () => {
  settle(0);
  receive(1, 1);
  gate.ended(1);
  expect([receive(1, 2), acks, receive(2, 3)]).toEqual([undefined, [1], 2]);
});

test('counts what it holds only when that is delivered again, once in doubt', () => {
  settle(0);
  receive(1, 1);
  receive(3, 3);
  expect(gate.doubt().map(({ sequence }) => sequence)).toEqual([3]);
  expect([gate.isOpen, gate.held]).toEqual([false, []]);
  expect(settle(1, { deliveries: 3 })).toEqual([]);
  expect(receive(1, 4)).toBe(1);
  expect([settle(1, { deliveries: 4 }), gate.isOpen]).toEqual([[], true]);
});

test('misses a message that it has given back and that nobody has, after a time', () => {
  settle(0);
  receive(1, 1);
  receive(2, 2);
  gate.gaveBack(1, 1_000);
  const goneAt = (ackPending: number, nowMs: number) => settled(ackPending, { deliveries: 2, nowMs }).gone;
  expect([gate.mayMiss(60_000), goneAt(1, 60_000)]).toEqual([false, []]);
  expect([gate.mayMiss(100_000), goneAt(2, 100_000), goneAt(1, 100_000)]).toEqual([true, [], [1]]);
  expect(gate.mayMiss(100_000)).toBe(false);
});

test('passes on what it has given back through a closed gate: what it holds may wait for it', () => {
  settle(0);
  receive(1, 1);
  receive(2, 2);
  gate.gaveBack(1, 0);
  gate.doubt();
  expect([receive(3, 3), receive(1, 4)]).toEqual([undefined, 1]);
  gate.ended(1);
  gate.ended(2);
  expect(settled(1, { deliveries: 4 })).toEqual({ passed: [3], gone: [] });
});

test('does not take what waited and was given back for passed on', () => {
  settle(1);
  receive(3, 2);
  for (const { sequence } of gate.doubt()) gate.gaveBack(sequence, 0);
  expect([receive(3, 3), gate.misses]).toEqual([undefined, false]);
});

test('waits for a message that it has given back when the server has forgotten that it delivered it', () => {
  settle(0);
  receive(7, 1);
  receive(8, 2);
  gate.gaveBack(7, 0);
  gate.ended(8);
  gate.doubt();
  expect(settled(0, { deliveries: 0, delivered: 6 })).toEqual({ passed: [], gone: [] });
  expect([receive(7, 1), receive(8, 2), acks]).toEqual([7, undefined, [8]]);
});
