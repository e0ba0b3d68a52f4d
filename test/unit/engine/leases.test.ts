import { HeldRecord, RecordState } from '../../../runtime/engine/held-records';
import { decideLeases, FrozenTime, waitForRoom } from '../../../runtime/engine/leases';
import type { Delivery } from '../../../runtime/engine/ports/delivery';

const limits = { maxPollIntervalMs: 120_000, unlimited: false, concurrency: 1 };

const delivery: Delivery = {
  stream: 's',
  sequence: 1,
  deliveries: 1,
  timestampMs: 0,
  handle: '',
  payload: new Uint8Array(3),
  ack: () => undefined,
  nak: () => undefined,
  working: () => undefined,
};

function held(id: number, state: RecordState, aliveAt?: number): HeldRecord {
  const record = new HeldRecord(id, 0, delivery);
  if (state !== RecordState.Queued) record.advance(state);
  record.aliveAt = aliveAt;
  return record;
}

test('renews the leases of waiting records, and of running ones within the limit', () => {
  const running = held(1, RecordState.Running, 1_000);
  const waiting = held(2, RecordState.Queued);
  expect(decideLeases([running, waiting], 121_000, limits)).toEqual({
    extend: [running, waiting],
    overdue: [],
    started: [],
  });
});

test('does not renew a record that ran too long without a heartbeat; those waiting behind it are renewed', () => {
  const running = held(1, RecordState.Running, 1_000);
  const inHost = held(2, RecordState.Running);
  const queued = held(3, RecordState.Queued);
  expect(decideLeases([running, inHost, queued], 121_001, limits)).toEqual({
    extend: [inHost, queued],
    overdue: [running],
    started: [], // the host has not started the second
  });
});

describe('time in which a function waits for room', () => {
  test('does not count, as long as the wait lasts and after it', async () => {
    const running = held(1, RecordState.Running, 0);
    let nowMs = 100_000;
    let makeRoom: () => void = () => undefined;
    waitForRoom(running, new Promise((resolve) => (makeRoom = resolve)), () => nowMs);
    expect(decideLeases([running], 10_000_000, limits).overdue).toEqual([]);
    nowMs = 10_000_000;
    makeRoom();
    await Promise.resolve();
    expect(decideLeases([running], 10_020_000, limits).overdue).toEqual([]);
    expect(decideLeases([running], 10_020_001, limits).overdue).toEqual([running]);
  });

  test('counts when each wait is short: a function that never ends waits often', async () => {
    const running = held(1, RecordState.Running, 0);
    for (let nowMs = 0; nowMs < 120_000; ) {
      waitForRoom(running, Promise.resolve(), () => nowMs);
      nowMs += 999;
      await Promise.resolve();
    }
    expect(decideLeases([running], 120_001, limits).overdue).toEqual([running]);
  });

  test('does not put off the limit beyond now when the function has sent a heartbeat meanwhile', async () => {
    const running = held(1, RecordState.Running, 0);
    let nowMs = 10_000;
    let makeRoom: () => void = () => undefined;
    waitForRoom(running, new Promise((resolve) => (makeRoom = resolve)), () => nowMs);
    running.aliveAt = 50_000;
    nowMs = 60_000;
    makeRoom();
    await Promise.resolve();
    expect(running.aliveAt).toBe(60_000);
  });

  test('of a run that ended with its host does not count for the next run', async () => {
    const running = held(1, RecordState.Running, 0);
    let makeRoom: () => void = () => undefined;
    waitForRoom(running, new Promise((resolve) => (makeRoom = resolve)), () => 0);
    running.rewind();
    running.advance(RecordState.Running);
    running.aliveAt = 5_000;
    makeRoom();
    await Promise.resolve();
    expect(running.aliveAt).toBe(5_000);
  });
});

test.each([
  ['nothing', 'a timer is on time', 5_000, 0],
  ['nothing', 'a timer is late', 10_000, 0],
  ['the rest', 'the replica was frozen', 600_000, 595_000],
])('counts %s as frozen time when %s', (_what, _when, elapsedMs, frozenMs) => {
  const frozen = new FrozenTime(5_000, 1_000);
  expect(frozen.since(1_000 + elapsedMs)).toBe(frozenMs);
  expect(frozen.since(1_000 + elapsedMs + 5_000)).toBe(0);
});

test('renews records that run beside an overdue one, and records whose outputs are being stored', () => {
  const late = held(1, RecordState.Running, 1_000);
  const beside = held(2, RecordState.Running, 100_000);
  const publishing = held(3, RecordState.Publishing, 1_000);
  const lease = decideLeases([late, beside, publishing], 121_001, { ...limits, concurrency: 2 });
  expect(lease).toEqual({ extend: [beside, publishing], overdue: [late], started: [] });
});

test('counts the time of a record from its start in the host', () => {
  const next = held(2, RecordState.Running);
  expect(decideLeases([next], 500_000, limits)).toEqual({ extend: [next], overdue: [], started: [next] });
  expect(next.aliveAt).toBeUndefined(); // the decision changes nothing
});

test('counts as many records as running as the host processes concurrently', () => {
  const records = [held(1, RecordState.Running, 0), held(2, RecordState.Running, 0), held(3, RecordState.Running, 0)];
  expect(decideLeases(records, 200_000, { ...limits, concurrency: 2 }).overdue).toEqual(records.slice(0, 2));
});

test('renews long-running processing forever', () => {
  const running = held(1, RecordState.Running, 0);
  expect(decideLeases([running], 10_000_000, { ...limits, unlimited: true }).overdue).toEqual([]);
});

test('rejects a transition to the same or an earlier state', () => {
  const record = held(1, RecordState.Running);
  expect(() => record.advance(RecordState.Queued)).toThrow(/record 1 is running and cannot become queued/);
  expect(() => record.advance(RecordState.Running)).toThrow(/cannot become running/);
  record.advance(RecordState.Publishing);
  expect(() => record.rewind()).toThrow(/record 1 is publishing and cannot run again/);
});
