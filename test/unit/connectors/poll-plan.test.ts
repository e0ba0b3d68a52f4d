import { PollPlan } from '../../../runtime/connectors/fs-source/poll-plan';
import { Stretches } from '../../../runtime/connectors/fs-source/stretches';

const keyOf = (index: number) => `key-${String(index).padStart(4, '0')}`;

/** Stretches that end with these keys, and an endless one behind them. */
function stretchesOf(count: number): Stretches {
  const bounded = Array.from({ length: count - 1 }, (_, index) => ({ until: keyOf(index), digest: 'd' }));
  return new Stretches([...bounded.reverse(), { until: undefined, digest: 'd' }]);
}

/** The numbers of the stretches that the spans list. */
function listed(plan: PollPlan, stretches: Stretches): readonly number[] {
  const found: number[] = [];
  for (const { after, until } of plan.spans()) {
    let index = stretches.behind(after);
    while (found.push(index) && stretches.at(index).until !== until) index++;
  }
  return found;
}

test('a short listing is listed as a whole', () => {
  const stretches = stretchesOf(20);
  expect(new PollPlan(stretches).spans()).toEqual([{ after: undefined, until: undefined }]);
});

test('of a long one, each poll lists twenty stretches, the last one always, and every stretch has its turn', () => {
  const stretches = stretchesOf(101);
  const plan = new PollPlan(stretches);
  const polls = Array.from({ length: 6 }, () => listed(plan, stretches));
  for (const poll of polls) {
    expect(poll.length).toBeLessThanOrEqual(21);
    expect(poll).toContain(100);
  }
  expect(new Set(polls.flat()).size).toBe(101);
});

test('stretches with new objects are listed in each poll, and leave the others their turn', () => {
  const stretches = stretchesOf(101);
  const plan = new PollPlan(stretches);
  for (const index of [50, 51, 77]) stretches.at(index).heat = 60;
  const polls = Array.from({ length: 8 }, () => listed(plan, stretches));
  for (const poll of polls) expect(poll).toEqual(expect.arrayContaining([50, 51, 77, 100]));
  expect(new Set(polls.flat()).size).toBe(101);
});

test('of many such stretches, those that have waited longest come first', () => {
  const stretches = stretchesOf(101);
  const plan = new PollPlan(stretches);
  for (let index = 0; index < 80; index++) {
    stretches.at(index).heat = 60;
    stretches.at(index).listedAt = index < 72 ? 9 : 1;
  }
  expect(listed(plan, stretches)).toEqual(expect.arrayContaining([72, 73, 74, 75, 76, 77, 78, 79]));
});

test('stretches are divided and joined where they lie, and each key belongs to one', () => {
  const stretches = stretchesOf(4);
  expect(stretches.replace(1, 1, 'key-0000z').replaced).toEqual([]);
  expect(stretches.count).toBe(5);
  expect(stretches.behind('key-0000')).toBe(1);
  expect(stretches.behind('key-0000z')).toBe(2);
  const { replaced } = stretches.replace(1, 2, keyOf(1));
  expect(replaced.map(({ until }) => until)).toEqual(['key-0000z', keyOf(1)]);
  expect([stretches.count, stretches.behind(undefined), stretches.behind('zzz')]).toEqual([4, 0, 3]);
});
