import type { FlowKey } from '../../api-contract/flow-key';
import type { Claim } from '../../engine/claim';
import type { StoredLetter } from '../../engine/letters/stored-letter';

/** Where letters are: given up on, or discarded for now. */
export type LetterPlace = 'dead' | 'discarded';

export interface ReadLetters {
  readonly place: LetterPlace;
  /** Only letters of this function. */
  readonly function?: string;
  /** Only letters after this position. */
  readonly after?: number;
  /** Without it, letters have no payload, and are read fast. */
  readonly withRecords?: boolean;
}

/** Who changes letters, when and why. */
export interface LetterOrder {
  readonly by: string;
  /** ISO time. */
  readonly at: string;
  readonly comment?: string;
}

/** A request to process letters again. */
export interface RedriveOrder extends LetterOrder {
  readonly id: string;
  /** Letters a second; default: no limit. */
  readonly rate?: number;
}

export interface Redrive extends RedriveOrder {
  /** Number of letters of the redrive, by function. */
  readonly functions: { readonly [functionId: string]: number };
  /** Letters that are not processed yet. */
  readonly pending: number;
  /** Letters of this redrive that failed again, and are letters still. */
  readonly failed: number;
  readonly canceledAt?: string;
}

/** The record of a letter. */
export interface LetterRecord {
  /** JSON on one line, by the rules of docs/avro.md; absent when the record cannot be decoded. */
  readonly json?: string;
  /** The schema of its writer, as text. */
  readonly schema?: string;
  /** The object that holds a large record. */
  readonly claim?: Claim;
  /** Why the record cannot be decoded. */
  readonly fault?: string;
}

/**
 * The dead letters of flows. Every method is idempotent, and throws StoreError `stream-failed` when the server refuses or does
 * not respond. A flow without letters has none, whether it exists or not.
 *
 * I1. A letter is removed from a place after the other place has it.
 * I2. A letter is redriven once at a time, whoever asks for it.
 */
export interface Letters {
  /** The letters of a place at the time of the call, the oldest first. */
  read(flow: FlowKey, which: ReadLetters): AsyncIterable<StoredLetter>;
  /** Decodes the payload of a letter. */
  recordOf(flow: FlowKey, payload: Uint8Array): Promise<LetterRecord>;
  /** Positions of the letters that are being processed again. */
  redriving(flow: FlowKey): Promise<ReadonlySet<number>>;
  /** Asks the functions to process letters again. Resolves when all requests are stored, with the number of letters. */
  redrive(flow: FlowKey, letters: readonly StoredLetter[], order: RedriveOrder): Promise<number>;
  /** The last redrives, the newest first. */
  redrives(flow: FlowKey): Promise<readonly Redrive[]>;
  /** Ends a redrive: letters that no replica has begun stay letters. Resolves with their number; undefined without such a redrive. */
  cancel(flow: FlowKey, redrive: string, at: string): Promise<number | undefined>;
  /** Moves letters to the other place. Resolves with the number of letters that were there. */
  move(flow: FlowKey, letters: readonly StoredLetter[], to: LetterPlace, order: LetterOrder): Promise<number>;
}

/** Where the records are that are too large for a stream. */
export interface LargeRecords {
  /** The record of a claim; undefined if its store cannot be reached from here. Rejects with the error of the store. */
  fetch(flow: FlowKey, claim: Claim): Promise<Uint8Array | undefined>;
}
