import { pause } from '../../async/pause';
import { mayPass } from './client-error';

/** Time between two attempts to connect. */
const retryAfterMs = 1_000;

export interface FollowOptions {
  readonly signal?: AbortSignal;
  /** The controller has responded before, so even the first attempt is retried. */
  readonly isKnown?: boolean;
  /** Whether all items have been received; otherwise a stream that ends is reopened. */
  readonly isOver?: () => boolean;
  /** Called once each time the connection is lost. */
  readonly onLost?: (error: Error) => void;
}

/**
 * Yields the items of a stream and reopens the stream when it ends, so that a restart of the controller does not end the
 * items. Ends on the signal. Throws errors that a retry cannot fix, and any error of the first attempt.
 */
export async function* follow<T>(open: () => AsyncIterable<T>, options: FollowOptions): AsyncGenerator<T> {
  const { signal, isOver = () => false, onLost } = options;
  let isKnown = options.isKnown === true;
  let isLost = false;
  const isAborted = () => signal?.aborted === true;
  while (!isAborted()) {
    try {
      for await (const item of open()) {
        isKnown = true;
        isLost = false;
        yield item;
      }
      if (isOver()) return;
    } catch (error) {
      if (isAborted()) return;
      if (!isKnown || !mayPass(error)) throw error;
      if (!isLost) onLost?.(error as Error);
      isLost = true;
    }
    await pause(retryAfterMs, signal);
  }
}
