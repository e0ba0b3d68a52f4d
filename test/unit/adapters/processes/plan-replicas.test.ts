import type { DesiredWorkload } from '../../../../runtime/adapters/processes/desired-workload';
import { type PresentReplica, planReplicas } from '../../../../runtime/adapters/processes/plan-replicas';

type Terms = Pick<DesiredWorkload, 'kind' | 'strategy' | 'replicas' | 'job'>;

const rolling = (replicas: number): Terms => ({ kind: 'deployment', strategy: 'rolling', replicas });
const recreated = (replicas: number): Terms => ({ kind: 'deployment', strategy: 'recreate', replicas });
const numbered = (replicas: number): Terms => ({ kind: 'statefulset', strategy: 'rolling', replicas });
const job = (replicas: number): Terms => ({
  kind: 'job',
  strategy: 'recreate',
  replicas,
  job: { completions: 3, backoffLimit: 6, fatalCodes: [78] },
});

/** `new 0 ready` is replica 0 of the desired template. */
function replica(text: string): PresentReplica {
  const [templateDigest = '', number, phase] = text.split(' ');
  return { templateDigest, number: Number(number), phase: phase as PresentReplica['phase'] };
}

function steps(terms: Terms, present: readonly string[], done: readonly number[] = []) {
  const desired = { ...terms, templateDigest: 'new' } as DesiredWorkload;
  const { end, start } = planReplicas(desired, present.map(replica), done);
  return { end: end.map(({ templateDigest, number }) => `${templateDigest} ${number}`), start };
}

/** Applies steps until none is left: each started replica becomes ready, each ending one ends. Returns every state on the way. */
function course(terms: Terms, present: readonly string[]): readonly string[][] {
  const seen = [[...present]];
  for (let turn = 0; turn < 50; turn++) {
    const now = seen.at(-1) ?? [];
    const { end, start } = steps(terms, now);
    const settled = now
      .filter((text) => !text.endsWith('ending'))
      .map((text) => (end.includes(text.replace(/ \w+(-\w+)?$/, '')) ? text.replace(/\S+$/, 'ending') : text))
      .map((text) => text.replace('starting', 'ready'));
    const next = [...settled, ...start.map((number) => `new ${number} starting`)];
    if (JSON.stringify(next) === JSON.stringify(now)) return seen;
    seen.push(next);
  }
  throw new Error('the steps do not converge');
}

const readyOf = (present: readonly string[]) => present.filter((text) => text.endsWith('ready')).length;

describe('a rolling workload', () => {
  it.each([1, 2, 4, 9])('of %d replicas keeps enough of them ready and starts at most a quarter more', (count) => {
    const old = Array.from({ length: count }, (_, number) => `old ${number} ready`);
    const seen = course(rolling(count), old);
    expect(Math.min(...seen.map(readyOf))).toBe(count - Math.floor(count / 4));
    const alive = seen.map((present) => present.filter((text) => !text.endsWith('ending')).length);
    expect(Math.max(...alive)).toBe(count + Math.ceil(count / 4));
    const last = seen.at(-1) ?? [];
    expect(last.filter((text) => /^new \d+ ready$/.test(text))).toHaveLength(count);
    expect(last).toHaveLength(count);
  });

  it('keeps the old one while the new one is not ready', () => {
    expect(steps(rolling(1), ['old 0 ready', 'new 1 waiting'])).toEqual({ end: [], start: [] });
  });

  it('ends a replica of another template that was never ready', () => {
    expect(steps(rolling(1), ['new 0 ready', 'old 1 waiting'])).toEqual({ end: ['old 1'], start: [] });
  });

  it('ends the highest numbers and starts the lowest free ones', () => {
    expect(steps(rolling(1), ['new 0 ready', 'new 1 ready', 'new 2 ready'])).toEqual({
      end: ['new 2', 'new 1'],
      start: [],
    });
    expect(steps(rolling(3), ['new 1 ready', 'new 0 ending'])).toEqual({ end: [], start: [2, 3] });
  });
});

describe('a workload with the strategy Recreate', () => {
  it('never runs old and new replicas at the same time', () => {
    for (const present of course(recreated(2), ['old 0 ready', 'old 1 ready'])) {
      expect(new Set(present.map((text) => text.split(' ')[0])).size).toBeLessThan(2);
    }
  });

  it('starts none while one is ending', () => {
    expect(steps(recreated(1), ['new 0 ending'])).toEqual({ end: [], start: [] });
  });
});

describe('a StatefulSet', () => {
  it('replaces its replicas one by one, the highest first, under their own numbers', () => {
    const seen = course(numbered(3), ['old 0 ready', 'old 1 ready', 'old 2 ready']);
    expect(Math.min(...seen.map(readyOf))).toBe(2);
    for (const present of seen) {
      const numbers = present.map((text) => text.split(' ')[1]);
      expect(new Set(numbers).size).toBe(numbers.length);
    }
    expect([...(seen.at(-1) ?? [])].sort()).toEqual(['new 0 ready', 'new 1 ready', 'new 2 ready']);
  });

  it('waits until a new replica is ready before it replaces the next one', () => {
    expect(steps(numbered(2), ['old 0 ready', 'new 1 waiting'])).toEqual({ end: [], start: [] });
  });

  it('replaces a broken replica at once', () => {
    expect(steps(numbered(2), ['old 0 waiting', 'old 1 ready'])).toEqual({ end: ['old 0'], start: [] });
  });
});

describe('a Job', () => {
  it('starts the indexes that have not succeeded', () => {
    expect(steps(job(3), [], [1])).toEqual({ end: [], start: [0, 2] });
  });

  it('ends all replicas and starts none while it is suspended', () => {
    expect(steps(job(0), ['new 0 ready', 'new 2 starting'])).toEqual({ end: ['new 2', 'new 0'], start: [] });
  });

  it('waits until the replicas of the replaced Job have ended', () => {
    expect(steps(job(3), ['old 0 ready'])).toEqual({ end: ['old 0'], start: [] });
    expect(steps(job(3), ['old 0 ending'])).toEqual({ end: [], start: [] });
  });
});
