/** A signal among those of its sender to one execution, which it numbers from 1. */
export interface SignalMark {
  readonly sender: string;
  readonly number: number;
}

/** By sender: the highest number that was received, and which ones below it were not. */
export interface ReceivedMarks {
  readonly [sender: string]: { readonly last: number; readonly missing: readonly number[] };
}

export function isReceived(received: ReceivedMarks, { sender, number }: SignalMark): boolean {
  const known = received[sender];
  return known !== undefined && number <= known.last && !known.missing.includes(number);
}
