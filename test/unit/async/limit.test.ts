import { Limit } from '../../../runtime/async/limit';

/** Work that ends when the test says so; `started` lists its items in the order of their start. */
class HeldWork {
  readonly started: number[] = [];
  private readonly endings = new Map<number, { end(): void; fail(error: Error): void }>();

  readonly run = (item: number): Promise<string> => {
    this.started.push(item);
    return new Promise((resolve, reject) => {
      this.endings.set(item, { end: () => resolve(`done ${item}`), fail: reject });
    });
  };

  end(item: number): void {
    this.endings.get(item)?.end();
  }

  fail(item: number): void {
    this.endings.get(item)?.fail(new Error(`failed ${item}`));
  }
}

/** Lets everything that is ready to run, run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('run', () => {
  test('starts calls above the limit in order of arrival, as slots become free', async () => {
    const limit = new Limit(2);
    const work = new HeldWork();
    const results = [0, 1, 2, 3].map((item) => limit.run(() => work.run(item)));
    await settled();
    expect(work.started).toEqual([0, 1]);
    work.end(1);
    await settled();
    expect(work.started).toEqual([0, 1, 2]);
    work.end(0);
    await settled();
    expect(work.started).toEqual([0, 1, 2, 3]);
    work.end(2);
    work.end(3);
    expect(await Promise.all(results)).toEqual(['done 0', 'done 1', 'done 2', 'done 3']);
  });

  test('frees the slot of work that fails or throws before it returns a promise', async () => {
    const limit = new Limit(1);
    await expect(limit.run(() => Promise.reject(new Error('rejected')))).rejects.toThrow('rejected');
    const throwing = (): Promise<void> => {
      throw new Error('thrown');
    };
    await expect(limit.run(throwing)).rejects.toThrow('thrown');
    expect(await limit.run(async () => 'still works')).toBe('still works');
  });
});

describe('map', () => {
  test('returns results in the order of the items, whatever the order in which they end', async () => {
    const work = new HeldWork();
    const results = new Limit(3).map([0, 1, 2], work.run);
    await settled();
    for (const item of [2, 0, 1]) work.end(item);
    expect(await results).toEqual(['done 0', 'done 1', 'done 2']);
  });

  test('reads an item only when a slot is free', async () => {
    const work = new HeldWork();
    let read = 0;
    async function* items() {
      for (; read < 5; read++) yield read;
    }
    const results = new Limit(2).map(items(), work.run);
    await settled();
    expect([work.started, read]).toEqual([[0, 1], 2]);
    for (const item of [0, 1, 2, 3, 4]) {
      work.end(item);
      await settled();
    }
    expect(await results).toHaveLength(5);
  });

  test('starts nothing after a failure and rejects once the running work has ended', async () => {
    const work = new HeldWork();
    let isSettled = false;
    const results = new Limit(2).map([0, 1, 2, 3], work.run).finally(() => {
      isSettled = true;
    });
    results.catch(() => undefined);
    await settled();
    work.fail(1);
    await settled();
    expect([work.started, isSettled]).toEqual([[0, 1], false]);
    work.end(0);
    await expect(results).rejects.toThrow('failed 1');
  });

  test('rejects with the error of the iteration once the running work has ended', async () => {
    const work = new HeldWork();
    async function* items() {
      yield 0;
      throw new Error('no more items');
    }
    const results = new Limit(2).map(items(), work.run);
    results.catch(() => undefined);
    await settled();
    work.end(0);
    await expect(results).rejects.toThrow('no more items');
  });

  test('frees its slots after a failure', async () => {
    const limit = new Limit(1);
    await expect(limit.map([0, 1], async () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
    expect(await limit.map([0, 1], async (item) => item)).toEqual([0, 1]);
  });

  test('shares the limit with other calls', async () => {
    const limit = new Limit(1);
    const work = new HeldWork();
    const both = Promise.all([limit.map([0], work.run), limit.map([1], work.run)]);
    await settled();
    expect(work.started).toEqual([0]);
    work.end(0);
    await settled();
    expect(work.started).toEqual([0, 1]);
    work.end(1);
    await both;
  });
});
