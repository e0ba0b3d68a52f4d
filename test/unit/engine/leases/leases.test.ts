import { HeldRecord, RecordState } from '../../../../runtime/engine/held-records';
import { decideLeases, FrozenTime, RoomWaits } from '../../../../runtime/engine/leases/leases';
import { deliveryOf } from '../../../support/delivery';

const limits = { maxPollIntervalMs: 120_000, unlimited: false, concurrency: 1 };

const delivery = deliveryOf();

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

test('a host that reports what it starts may keep the others waiting', () => {
  const begun = held(1, RecordState.Running, 1_000);
  begun.hasBegun = true;
  const waiting = held(2, RecordState.Running);
  const reported = { ...limits, concurrency: 10, reportsBegan: true };
  expect(decideLeases([begun, waiting], 121_001, reported)).toEqual({
    extend: [waiting],
    overdue: [begun],
    started: [],
  });
});

describe('a wait for room', () => {
  let nowMs = 0;
  let waited: number[] = [];
  const open = () => {
    nowMs = 0;
    waited = [];
    return new RoomWaits(
      (ms) => waited.push(ms),
      () => nowMs,
    );
  };

  test('is reported with its length once there is room for every output', async () => {
    const waits = open();
    const makeRoom: (() => void)[] = [];
    for (let count = 0; count < 2; count++) waits.wait(new Promise((resolve) => makeRoom.push(resolve)));
    nowMs = 1_000;
    expect(waits.isLong).toBe(true);
    makeRoom[0]?.();
    await Promise.resolve();
    expect([waits.isLong, waited]).toEqual([true, []]);
    nowMs = 600_000;
    makeRoom[1]?.();
    await Promise.resolve();
    expect([waits.isLong, waited]).toEqual([false, [600_000]]);
  });

  test('counts when it is short: a function that never ends waits often', async () => {
    const waits = open();
    for (let count = 0; count < 100; count++) {
      waits.wait(Promise.resolve());
      nowMs += 999;
      expect(waits.isLong).toBe(false);
      await Promise.resolve();
    }
    expect(waited).toEqual([]);
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
