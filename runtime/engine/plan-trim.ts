/** The usage of a stream, and the ack floor of each of its readers. */
export interface StreamFill {
  readonly messages: number;
  readonly bytes: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly maxMsgs: number;
  readonly maxBytes: number;
  /** Bytes of the largest message that may be published. */
  readonly largestMessage: number;
  /** For each reader: all messages up to this sequence are acked. */
  readonly ackFloors: readonly number[];
}

/** Usage above which a stream is trimmed, and the usage after it. */
const trimAbove = 0.8;
const trimTo = 0.5;

/** True when a stream is nearly full, or lacks room for a large message. */
export function isTight(fill: Omit<StreamFill, 'ackFloors'>): boolean {
  const lacksRoom = fill.maxBytes > 0 && fill.bytes + fill.largestMessage > fill.maxBytes;
  return lacksRoom || usageOf(fill) > trimAbove;
}

/**
 * The first sequence to keep, or undefined when nothing can be trimmed. Trims only messages that every reader has acked,
 * the oldest first, until the stream is half full and has room for a large message.
 */
export function planTrim(fill: StreamFill): number | undefined {
  if (!isTight(fill) || fill.ackFloors.length === 0) return undefined;
  const target = fill.maxBytes > 0 ? Math.min(trimTo, 1 - fill.largestMessage / fill.maxBytes) : trimTo;
  const keep = Math.floor(fill.messages * (Math.max(target, 0) / usageOf(fill)));
  const keepFrom = Math.min(Math.min(...fill.ackFloors) + 1, fill.lastSequence - keep + 1);
  return keepFrom > fill.firstSequence ? keepFrom : undefined;
}

/** The larger of the usages by messages and by bytes; a limit of -1 is no limit. */
export function usageOf(fill: Pick<StreamFill, 'messages' | 'bytes' | 'maxMsgs' | 'maxBytes'>): number {
  const byMessages = fill.maxMsgs > 0 ? fill.messages / fill.maxMsgs : 0;
  const byBytes = fill.maxBytes > 0 ? fill.bytes / fill.maxBytes : 0;
  return Math.max(byMessages, byBytes);
}
