import { pause } from '../../async/pause';
import { mayPass } from './client-error';

/** Time between two attempts to connect. */
const retryAfterMs = 1_000;

export interface FollowOptions {
  readonly signal?: AbortSignal;
  /** The controller has answered before, so that even the first attempt is retried. */
  readonly isKnown?: boolean;
  /** Whether the items so far are all there will be; otherwise a stream that ends is opened again. */
  readonly isOver?: () => boolean;
  /** Called once each time the connection is lost. */
  readonly onLost?: (error: Error) => void;
}

/**
 * The items of the streams that `open` opens, one stream after another, so that a restart of the controller does not end
 * the items. Ends on the signal. Throws errors that do not pass, and whatever the first attempt throws.
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
