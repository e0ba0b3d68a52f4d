import { HeldRecord } from '../../../../runtime/engine/held-records';
import { KeyLanes } from '../../../../runtime/engine/order/key-lanes';
import type { Delivery } from '../../../../runtime/engine/ports/delivery';

let lanes: KeyLanes;
let nextId: number;
beforeEach(() => {
  lanes = new KeyLanes();
  nextId = 0;
});

/** A record that was delivered. */
function arrived(sequence: number, key: string | undefined, changes: Partial<Delivery> = {}, input = 0): HeldRecord {
  const delivery = { stream: 'in', sequence, payload: Buffer.alloc(10), key, ...changes } as Delivery;
  const record = new HeldRecord(nextId++, input, delivery);
  lanes.arrived(record);
  return record;
}

test('lets a record run when the one of its key before it is settled; records of other keys pass', () => {
  const [first, second, other] = [arrived(1, 'a'), arrived(2, 'a'), arrived(3, 'b')];
  expect([first, second, other].map((record) => lanes.ready(record))).toEqual([true, false, true]);
  expect(lanes.ended(other, true)).toBeUndefined();
  expect(lanes.ended(first, true)).toBe(second);
  expect(lanes.ended(second, true)).toBeUndefined();
});

test('keeps the order of arrival when a later record is prepared first', () => {
  const [first, second] = [arrived(1, 'a'), arrived(2, 'a')];
  expect(lanes.ready(second)).toBe(false);
  expect(lanes.ready(first)).toBe(true);
  expect(lanes.ended(first, true)).toBe(second);
});

test('lets the records behind one that is retried wait until it is settled', () => {
  const [first, second] = [arrived(1, 'a'), arrived(2, 'a')];
  lanes.ready(first);
  lanes.ready(second);
  expect(lanes.ended(first, false)).toBeUndefined();
  expect(lanes.ready(arrived(3, 'a'))).toBe(false);
  const again = arrived(1, 'a');
  expect(lanes.ready(again)).toBe(true);
  expect(lanes.ended(again, true)).toBe(second);
});

test('lets a record that fails before it is prepared keep its place', () => {
  const [first, second] = [arrived(1, 'a'), arrived(2, 'a')];
  lanes.ended(first, false);
  expect(lanes.ready(second)).toBe(false);
});

test('lets an earlier record of the key run while a later one is to come again', () => {
  const [first, second] = [arrived(1, 'a'), arrived(2, 'a')];
  lanes.ended(second, false);
  expect(lanes.ready(first)).toBe(true);
});

test('waits no longer for a record that was removed from the stream', () => {
  const [first, second] = [arrived(1, 'a'), arrived(2, 'a')];
  lanes.ended(first, false);
  lanes.ready(second);
  expect(lanes.gone(1, 1)).toBeUndefined();
  expect(lanes.gone(0, 1)).toBe(second);
});

test('orders the records of each input by themselves', () => {
  expect([arrived(1, 'a', {}, 0), arrived(1, 'a', {}, 1)].map((record) => lanes.ready(record))).toEqual([true, true]);
});

test('orders neither records without a key nor redriven letters', () => {
  const redriven = { redriven: {} } as Partial<Delivery>;
  const records = [arrived(1, undefined), arrived(2, undefined), arrived(3, 'a', redriven), arrived(4, 'a', redriven)];
  expect(records.map((record) => lanes.ready(record))).toEqual([true, true, true, true]);
});

test('sets aside what waits behind a record that is retried, up to a limit', () => {
  const [first] = [arrived(1, 'a'), arrived(2, 'a'), arrived(3, 'b')];
  expect(lanes.aside).toEqual({ records: 0, bytes: 0 });
  lanes.ended(first, false);
  expect(lanes.aside).toEqual({ records: 1, bytes: 10 });
  for (let sequence = 4; sequence < 6_000; sequence++) arrived(sequence, 'a');
  expect(lanes.aside.records).toBe(5_000);
  arrived(1, 'a');
  expect(lanes.aside).toEqual({ records: 0, bytes: 0 });
});

test('tells which record others wait for that are prepared', () => {
  const [first, second] = [arrived(1, 'a'), arrived(2, 'a')];
  expect(lanes.isAwaited(first)).toBe(false);
  lanes.ready(second);
  expect([lanes.isAwaited(first), lanes.isAwaited(second)]).toEqual([true, false]);
});
