import { pause } from '../../async/pause';
import { isPassing } from './api-refusal';

/** Time between two tries to reach a controller again. */
const retryAfterMs = 1_000;

export interface FollowOptions {
  readonly signal?: AbortSignal;
  /** The controller has answered already, so an absence passes from the first try on. */
  readonly isKnown?: boolean;
  /** What has been received says that there is no more; without it, a stream that ends is opened again. */
  readonly isOver?: () => boolean;
  /** Told once for each time that the connection is lost. */
  readonly onLost?: (error: Error) => void;
}

/**
 * What the streams of `open` give, one after the other: a controller that is started again is no end. Ends on the signal;
 * throws what does not pass, and whatever the very first try throws.
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
      if (!isKnown || !isPassing(error)) throw error;
      if (!isLost) onLost?.(error as Error);
      isLost = true;
    }
    await pause(retryAfterMs, signal);
  }
}
