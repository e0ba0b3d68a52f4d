/** A stream's fill and how far each of its readers is. */
export interface StreamFill {
  readonly messages: number;
  readonly bytes: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly maxMsgs: number;
  readonly maxBytes: number;
  /** Bytes of the largest message that may come. */
  readonly largestMessage: number;
  /** Lowest sequence above which something is not acked, for each reader. */
  readonly ackFloors: readonly number[];
}

/** Usage above which consumed history makes room, and the usage it is trimmed to. */
const trimAbove = 0.8;
const trimTo = 0.5;

/** Whether a stream is nearly full, or has not room enough for a large message. */
export function isTight(fill: Omit<StreamFill, 'ackFloors'>): boolean {
  const lacksRoom = fill.maxBytes > 0 && fill.bytes + fill.largestMessage > fill.maxBytes;
  return lacksRoom || usageOf(fill) > trimAbove;
}

/**
 * The sequence to keep a stream from, or undefined when nothing is to be trimmed. Only what every reader has acked may
 * go; of that, the oldest, until the stream is half full and has room for a large message.
 */
export function planTrim(fill: StreamFill): number | undefined {
  if (!isTight(fill) || fill.ackFloors.length === 0) return undefined;
  const target = fill.maxBytes > 0 ? Math.min(trimTo, 1 - fill.largestMessage / fill.maxBytes) : trimTo;
  const keep = Math.floor(fill.messages * (Math.max(target, 0) / usageOf(fill)));
  const keepFrom = Math.min(Math.min(...fill.ackFloors) + 1, fill.lastSequence - keep + 1);
  return keepFrom > fill.firstSequence ? keepFrom : undefined;
}

/** The larger of the two usages, by messages and by bytes; a limit of -1 is none. */
export function usageOf(fill: Pick<StreamFill, 'messages' | 'bytes' | 'maxMsgs' | 'maxBytes'>): number {
  const byMessages = fill.maxMsgs > 0 ? fill.messages / fill.maxMsgs : 0;
  const byBytes = fill.maxBytes > 0 ? fill.bytes / fill.maxBytes : 0;
  return Math.max(byMessages, byBytes);
}
