import type { LetterFacts } from './letter-headers';

/** A dead letter in a stream. */
export interface StoredLetter extends LetterFacts {
  /** Names the letter, also after it was discarded and restored: its first sequence in the stream of dead letters. */
  readonly letter: number;
  /** Its sequence in the stream that holds it now. */
  readonly position: number;
  /** Size of the record's message. */
  readonly bytes: number;
  /** The record: an Avro message, or the claim of one. Empty when only headers are read. */
  readonly payload: Uint8Array;
  /** Set on a discarded letter. */
  readonly discarded?: { readonly by: string; readonly at: string; readonly comment?: string };
}
