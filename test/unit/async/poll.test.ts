import { poll, waitUntil } from '../../../runtime/async/poll';

/** Returns the values one after another, then the last one for ever. */
function answering<T>(...values: readonly T[]): () => Promise<T> {
  let next = 0;
  return async () => values[Math.min(next++, values.length - 1)] as T;
}

describe('poll', () => {
  test('returns the first value that the probe finds', async () => {
    expect(await poll(answering(undefined, undefined, 'found'), { intervalMs: 1 })).toBe('found');
  });

  test('returns undefined when the time is up', async () => {
    expect(await poll(() => undefined, { intervalMs: 1, timeoutMs: 5 })).toBeUndefined();
  });

  test('probes once more when the time is up during a delay', async () => {
    expect(await poll(answering(undefined, 'found'), { intervalMs: 60_000, timeoutMs: 5 })).toBe('found');
  });

  test('probes once without any time', async () => {
    expect(await poll(answering('found'), { intervalMs: 60_000, timeoutMs: 0 })).toBe('found');
  });

  test('rejects with an error of the probe', async () => {
    const probe = () => Promise.reject(new Error('probe failed'));
    await expect(poll(probe, { intervalMs: 1 })).rejects.toThrow('probe failed');
  });

  test('rejects when the signal is aborted during a delay', async () => {
    const stopping = new AbortController();
    const probe = () => {
      setImmediate(() => stopping.abort());
      return undefined;
    };
    await expect(poll(probe, { intervalMs: 60_000, signal: stopping.signal })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });
});

describe('waitUntil', () => {
  test('is true once the condition holds', async () => {
    expect(await waitUntil(answering(false, false, true), { intervalMs: 1 })).toBe(true);
  });

  test('is false when the condition did not hold in time', async () => {
    expect(await waitUntil(() => false, { intervalMs: 1, timeoutMs: 5 })).toBe(false);
  });
});
