import { Backoff, backoffMs, jitteredBackoffMs } from '../../../runtime/async/backoff';
import { retry } from '../../../runtime/async/retry';

const rule = { firstMs: 10, maxMs: 100 };
const fast = { firstMs: 1, maxMs: 1 };

class Refused extends Error {
  constructor(readonly code: 'away' | 'denied') {
    super(code);
  }
}

const isAway = (error: unknown) => error instanceof Refused && error.code === 'away';

/** Fails with the given codes, one an attempt, then succeeds. */
function failing(...codes: readonly Refused['code'][]): { attempt(): Promise<string>; readonly count: () => number } {
  let made = 0;
  const attempt = async () => {
    const code = codes[made++];
    if (code !== undefined) throw new Refused(code);
    return 'done';
  };
  return { attempt, count: () => made };
}

describe('backoff', () => {
  test('doubles up to the maximum', () => {
    expect([0, 1, 2, 3, 4, 60, 5_000].map((retries) => backoffMs(retries, rule))).toEqual([
      10, 20, 40, 80, 100, 100, 100,
    ]);
  });

  test('has half of each delay random with jitter', () => {
    expect([0, 0.5, 1].map((random) => jitteredBackoffMs(1, rule, () => random))).toEqual([10, 15, 20]);
  });

  test('starts over when it is reset', () => {
    const backoff = new Backoff(rule);
    expect([backoff.next(), backoff.next(), backoff.next()]).toEqual([10, 20, 40]);
    backoff.reset();
    expect(backoff.next()).toBe(10);
  });
});

describe('retry', () => {
  test('repeats an attempt that failed with a retryable error', async () => {
    const { attempt, count } = failing('away', 'away');
    expect(await retry(attempt, { isRetryable: isAway, delays: fast })).toBe('done');
    expect(count()).toBe(3);
  });

  test('throws an error that is not retryable at once, unchanged', async () => {
    const { attempt, count } = failing('away', 'denied');
    const exhausted = () => new Error('exhausted');
    const error = await retry(attempt, { isRetryable: isAway, delays: fast, exhausted }).catch((thrown) => thrown);
    expect(error).toEqual(new Refused('denied'));
    expect(count()).toBe(2);
  });

  test('throws the last error when the attempts are used up', async () => {
    const { attempt, count } = failing('away', 'away', 'away');
    await expect(retry(attempt, { isRetryable: isAway, delays: fast, attempts: 2 })).rejects.toEqual(
      new Refused('away'),
    );
    expect(count()).toBe(2);
  });

  test('makes one attempt when there is no time for a second one', async () => {
    const { attempt, count } = failing('away');
    await expect(retry(attempt, { isRetryable: isAway, delays: fast, timeoutMs: 0 })).rejects.toThrow('away');
    expect(count()).toBe(1);
  });

  test('throws what the caller makes of the last error when the time is up', async () => {
    const attempt = () => Promise.reject(new Refused('away'));
    const exhausted = (cause: unknown) => new Error('no answer', { cause });
    const options = { isRetryable: isAway, delays: fast, timeoutMs: 20, exhausted };
    const error = await retry(attempt, options).catch((thrown) => thrown);
    expect(error).toMatchObject({ message: 'no answer', cause: new Refused('away') });
  });

  test('takes the delay from the error when asked to, and announces each retry', async () => {
    const { attempt } = failing('away', 'away');
    const seen: unknown[] = [];
    const delays = (error: unknown) => (error instanceof Refused ? 0 : 60_000);
    const onRetry = (error: unknown) => seen.push(error);
    expect(await retry(attempt, { isRetryable: isAway, delays, onRetry })).toBe('done');
    expect(seen).toEqual([new Refused('away'), new Refused('away')]);
  });

  test('ends its delay on the signal with the last error, and starts no further attempt', async () => {
    const stopping = new AbortController();
    const { attempt, count } = failing('away', 'away');
    const options = {
      isRetryable: isAway,
      delays: () => 60_000,
      signal: stopping.signal,
      onRetry: () => setImmediate(() => stopping.abort()),
    };
    await expect(retry(attempt, options)).rejects.toEqual(new Refused('away'));
    expect(count()).toBe(1);
  });
});
