import { getEventListeners } from 'node:events';
import { unlessAborted } from '../../../runtime/connectors/unless-aborted';

const never = () => new Promise<never>(() => undefined);

test('resolves with the value of the promise, and leaves no listener on the signal', async () => {
  const { signal } = new AbortController();
  expect(await unlessAborted(Promise.resolve(7), signal)).toBe(7);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('rejects with the error of the promise, and leaves no listener on the signal', async () => {
  const { signal } = new AbortController();
  await expect(unlessAborted(Promise.reject(new Error('lost')), signal)).rejects.toThrow('lost');
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('resolves with undefined when the signal is aborted first', async () => {
  const stop = new AbortController();
  const waiting = unlessAborted(never(), stop.signal);
  stop.abort();
  expect(await waiting).toBeUndefined();
});

test('resolves with undefined when the signal has already been aborted', async () => {
  expect(await unlessAborted(never(), AbortSignal.abort())).toBeUndefined();
});
