import type { FlowKey } from '../../../api-contract/flow-key';
import type {
  CanceledRedrive,
  LetterChange,
  LetterDetail,
  LetterFilter,
  LetterGroup,
  LetterPage,
  LetterQuery,
  LetterSelection,
  LetterShowQuery,
  RedriveSelection,
  RedriveView,
} from '../../../api-contract/letters';

/** Who changes letters, and why. */
export interface LetterRequester {
  readonly by: string;
  readonly comment?: string;
}

/**
 * The operations of the API on dead letters. A change resolves when it is stored: the functions then process redriven letters even
 * if controllers are killed. Throws StateError `flow-missing`, `letter-missing` and `redrive-missing`, ConfigError
 * `setting-missing` when a change chooses no letters, and StoreError when nats does not respond.
 */
export interface FlowLetters {
  /** One page, the oldest first. */
  list(flow: FlowKey, query: LetterQuery): Promise<LetterPage>;
  /** Letters by function, error and place, the largest group first. */
  groups(flow: FlowKey, query: LetterFilter): Promise<LetterGroup[]>;
  /** A letter with its record and its attempts. A record of more than 16 MiB, or whose store cannot be reached, is a claim. */
  show(flow: FlowKey, letter: number, query?: LetterShowQuery): Promise<LetterDetail>;
  /** The matching letters with their records, the oldest first. */
  export(flow: FlowKey, query: LetterFilter): AsyncIterable<LetterDetail>;
  /** Makes the functions process letters again. Letters that are being processed again already are left alone. */
  redrive(flow: FlowKey, selection: RedriveSelection, requester: LetterRequester): Promise<LetterChange>;
  /** Moves letters aside, from where they can be restored. */
  discard(flow: FlowKey, selection: LetterSelection, requester: LetterRequester): Promise<LetterChange>;
  restore(flow: FlowKey, selection: LetterSelection, requester: LetterRequester): Promise<LetterChange>;
  /** The last redrives, the newest first. */
  redrives(flow: FlowKey): Promise<RedriveView[]>;
  /** Ends a redrive: letters that no replica has begun stay letters. */
  cancel(flow: FlowKey, redrive: string, requester: LetterRequester): Promise<CanceledRedrive>;
}
