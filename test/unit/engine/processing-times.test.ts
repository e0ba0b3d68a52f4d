import { HeldRecord, RecordState } from '../../../runtime/engine/held-records';
import type { Delivery } from '../../../runtime/engine/ports/delivery';
import { ProcessingTimes } from '../../../runtime/engine/processing-times';

const delivery: Delivery = {
  stream: 's',
  sequence: 1,
  deliveries: 1,
  timestampMs: 0,
  payload: new Uint8Array(3),
  ack: () => undefined,
  nak: () => undefined,
  working: () => undefined,
};

let nowMs: number;
let observed: (readonly [processingMs: number, downloadMs?: number])[];

beforeEach(() => {
  nowMs = 1_000;
  observed = [];
});

function timesOf(atOnce: number): ProcessingTimes {
  const observer = { processed: (...times: readonly [number, number?]) => void observed.push(times) };
  return new ProcessingTimes(observer, atOnce, () => nowMs);
}

function running(): HeldRecord {
  const record = new HeldRecord(0, 0, delivery);
  record.advance(RecordState.Running);
  return record;
}

/** The record is held no more; `ended`: the function has ended with it, else it is given back. */
function leaveAfter(ms: number, times: ProcessingTimes, record: HeldRecord, ended = true): void {
  nowMs += ms;
  if (ended) times.ended(record);
  record.advance(RecordState.Settled);
  times.removed(record);
}

const processed = () => observed.map(([processingMs]) => processingMs);

test('does not count the time that a record waits for those before it', () => {
  const times = timesOf(1);
  const [first, second, third] = [running(), running(), running()];
  times.handedOver([first, second, third]);
  leaveAfter(10, times, first);
  leaveAfter(20, times, second);
  leaveAfter(5, times, third);
  expect(processed()).toEqual([10, 20, 5]);
});

test('does not count the time in which there was no record', () => {
  const times = timesOf(1);
  for (const record of [running(), running()]) {
    nowMs += 500;
    times.handedOver([record]);
    leaveAfter(7, times, record);
  }
  expect(processed()).toEqual([7, 7]);
});

test('begins as many at once as the host has places for, in the order of hand-over', () => {
  const times = timesOf(2);
  const [first, second, third, fourth] = [running(), running(), running(), running()];
  times.handedOver([first, second, third]);
  leaveAfter(10, times, second);
  times.handedOver([fourth]);
  leaveAfter(10, times, first);
  leaveAfter(10, times, third);
  leaveAfter(10, times, fourth);
  expect(processed()).toEqual([10, 20, 20, 20]);
});

test('believes a host that says when it begins', () => {
  const times = timesOf(1);
  const record = running();
  times.handedOver([record]);
  nowMs += 100;
  times.began(record);
  leaveAfter(3, times, record);
  expect(processed()).toEqual([3]);
});

test('tells nothing of a record that was given back, whose place goes to the next', () => {
  const times = timesOf(1);
  const [begun, waiting, last] = [running(), running(), running()];
  times.handedOver([begun, waiting, last]);
  leaveAfter(50, times, waiting, false);
  leaveAfter(50, times, begun, false);
  leaveAfter(4, times, last);
  expect(processed()).toEqual([4]);
});

test('tells nothing of a record that never came to the function', () => {
  leaveAfter(10, timesOf(1), running());
  expect(observed).toEqual([]);
});

test("tells the download's time beside it", () => {
  const times = timesOf(1);
  const record = running();
  record.downloadMs = 80;
  times.handedOver([record]);
  leaveAfter(10, times, record);
  expect(observed).toEqual([[10, 80]]);
});
