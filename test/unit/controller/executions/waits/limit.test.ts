import type { StepRef } from '../../../../../runtime/controller/executions/ports/step-ref';
import {
  awaitLatch,
  changeLatch,
  forgetSteps,
  type Latch,
} from '../../../../../runtime/controller/executions/waits/latch';
import {
  leavePlaces,
  nextStart,
  type Places,
  type Starts,
  takePlace,
} from '../../../../../runtime/controller/executions/waits/limit';
import { Random, seed } from '../../../../support/random';

const step = (number: number): StepRef => ({ execution: `e${number}`, run: 1, step: '1', attempt: 1 });

describe('latches', () => {
  const change = (latch: Latch | undefined, number: number, by: 1 | -1) =>
    changeLatch(latch, { step: step(number), by, nowMs: 0 });

  test('LF-35: both waits are over after as many releases as acquires', () => {
    let latch = change(change(undefined, 1, 1), 2, 1);
    for (const waiting of [3, 4]) latch = awaitLatch(latch, step(waiting)).next as Latch;
    latch = change(latch, 5, -1);
    expect(latch.waking).toEqual([]);
    latch = change(latch, 6, -1);
    expect(latch).toMatchObject({ count: 0, waiting: [], waking: [step(3), step(4)] });
  });

  test('LF-35: there is nothing to wait for at an unknown latch', () => {
    expect(awaitLatch(undefined, step(1)).isOpen).toBe(true);
  });

  test('a repeated operation counts once', () => {
    const once = change(undefined, 1, 1);
    expect(change(once, 1, 1)).toBe(once);
  });

  test('a latch that nobody holds, waits for or has used lately is removed', () => {
    const latch = change(change(undefined, 1, 1), 2, -1);
    expect(forgetSteps(latch, [], 1)).toBeDefined();
    expect(forgetSteps(latch, [], 25 * 3_600_000)).toBeUndefined();
  });
});

test('over random takes and leaves, no more than the limit have a place, all get one in turn, and nothing remains', () => {
  const random = new Random(seed);
  let places: Places | undefined;
  const asked = new Set<number>();
  const left = new Set<number>();
  for (let next = 0; left.size < 200; ) {
    if (asked.size < 200 && random.next() < 0.5) {
      places = takePlace(places, step(next), { limit: 3 }).next;
      asked.add(next++);
    } else if (places !== undefined) {
      const [first] = places.taken;
      if (first === undefined) throw new Error('nobody has a place');
      left.add(Number(first.execution.slice(1)));
      places = leavePlaces(places, [first]);
    }
    expect(places?.taken.length ?? 0).toBeLessThanOrEqual(3);
  }
  expect(places).toBeUndefined();
});

test('a rate gives out no more starts in any period than it allows, and the same one for the same step', () => {
  let starts: Starts | undefined;
  const times: number[] = [];
  for (let number = 0; number < 20; number++) {
    const given = nextStart(starts, step(number), { limit: 4, perMs: 1_000, nowMs: number * 10 });
    expect(nextStart(given.next, step(number), { limit: 4, perMs: 1_000, nowMs: 5_000 }).atMs).toBe(given.atMs);
    starts = given.next;
    times.push(given.atMs);
  }
  for (const at of times) {
    expect(times.filter((other) => other >= at && other < at + 1_000).length).toBeLessThanOrEqual(4);
  }
});
