import { HeldRecord, RecordState } from '../../../../runtime/engine/held-records';
import { ProcessingTimes } from '../../../../runtime/engine/leases/processing-times';
import { deliveryOf } from '../../../support/delivery';

const delivery = deliveryOf();

let nowMs: number;
let observed: (readonly [processingMs: number, downloadMs?: number])[];

beforeEach(() => {
  nowMs = 1_000;
  observed = [];
});

function timesOf(concurrency: number): ProcessingTimes {
  const observer = { processed: (...times: readonly [number, number?]) => void observed.push(times) };
  return new ProcessingTimes(observer, concurrency, () => nowMs);
}

function running(): HeldRecord {
  const record = new HeldRecord(0, 0, delivery);
  record.advance(RecordState.Running);
  return record;
}

/** Removes the record after a time; `ended`: the function has finished it, else it is given back. */
function removeAfter(ms: number, times: ProcessingTimes, record: HeldRecord, ended = true): void {
  nowMs += ms;
  if (ended) times.ended(record);
  record.advance(RecordState.Settled);
  times.removed(record);
}

const processed = () => observed.map(([processingMs]) => processingMs);

test('does not count the time that a record waits for earlier ones', () => {
  const times = timesOf(1);
  const [first, second, third] = [running(), running(), running()];
  times.handedOver([first, second, third]);
  removeAfter(10, times, first);
  removeAfter(20, times, second);
  removeAfter(5, times, third);
  expect(processed()).toEqual([10, 20, 5]);
});

test('does not count time without records', () => {
  const times = timesOf(1);
  for (const record of [running(), running()]) {
    nowMs += 500;
    times.handedOver([record]);
    removeAfter(7, times, record);
  }
  expect(processed()).toEqual([7, 7]);
});

test('starts as many records as the host has slots, in the order of hand-over', () => {
  const times = timesOf(2);
  const [first, second, third, fourth] = [running(), running(), running(), running()];
  times.handedOver([first, second, third]);
  removeAfter(10, times, second);
  times.handedOver([fourth]);
  removeAfter(10, times, first);
  removeAfter(10, times, third);
  removeAfter(10, times, fourth);
  expect(processed()).toEqual([10, 20, 20, 20]);
});

test('counts from the start that the host reports', () => {
  const times = timesOf(1);
  const record = running();
  times.handedOver([record]);
  nowMs += 100;
  times.began(record);
  removeAfter(3, times, record);
  expect(processed()).toEqual([3]);
});

test('does not observe a record that was given back; its slot goes to the next', () => {
  const times = timesOf(1);
  const [begun, waiting, last] = [running(), running(), running()];
  times.handedOver([begun, waiting, last]);
  removeAfter(50, times, waiting, false);
  removeAfter(50, times, begun, false);
  removeAfter(4, times, last);
  expect(processed()).toEqual([4]);
});

test('does not observe a record that the function never received', () => {
  removeAfter(10, timesOf(1), running());
  expect(observed).toEqual([]);
});

test('observes the download time as well', () => {
  const times = timesOf(1);
  const record = running();
  record.downloadMs = 80;
  times.handedOver([record]);
  removeAfter(10, times, record);
  expect(observed).toEqual([[10, 80]]);
});
