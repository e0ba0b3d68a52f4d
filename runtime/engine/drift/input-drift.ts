/**
 * The last known position of a reader in its stream. The reader keeps it in the flow's state, so that a consumer that
 * somebody removed continues there.
 */
export interface InputNote {
  /** Creation times, which identify the stream and the consumer: a recreated one has another. */
  readonly stream: string;
  readonly consumer: string;
  /** Every record up to this sequence is acked. It only rises, except by a rewind. */
  readonly floor: number;
  /** The server's time of the floor: a record that is stored later is another one, whatever its sequence. */
  readonly floorAtMs: number;
  /** The highest sequence delivered. */
  readonly delivered: number;
  /** Deliveries of the consumer, redeliveries included. */
  readonly deliveries: number;
  /** The sequence after which acked records are counted. */
  readonly countsFrom: number;
  /** Records up to this sequence may have been processed before a consumer was recreated; 0 without such a consumer. */
  readonly repeatedTo: number;
  /** Records that are delivered and not acked, and those that are not delivered. */
  readonly ackPending: number;
  readonly pending: number;
  /** Sequences above the floor that were removed one by one. */
  readonly removed: readonly number[];
}

/** A reader's stream and consumer at one time. */
export interface InputState {
  readonly stream: {
    readonly created: string;
    readonly firstSequence: number;
    readonly lastSequence: number;
    /** Sequences between the first and the last that were removed one by one. */
    readonly removed: readonly number[];
    /** The writer purged the stream up to this sequence, exclusively, because every reader had acked that part. */
    readonly trimmedTo: number;
  };
  /** Undefined when the consumer does not exist. */
  readonly consumer?: {
    readonly created: string;
    readonly ackFloor: number;
    /** The server's time, in ms since 1970. */
    readonly atMs: number;
    readonly delivered: number;
    readonly deliveries: number;
    readonly ackPending: number;
    readonly pending: number;
    readonly countsFrom: number;
    /** The first sequence that the consumer delivers; Infinity if that depends on when the consumer was created. */
    readonly start: number;
  };
}

/** Another stream of the same name, a recreated consumer, and records that are gone. */
export interface InputChange {
  /** The stream was recreated: sequences start again, and answers to earlier deliveries would hit other records. */
  readonly isReplaced: boolean;
  /** The consumer is missing, was recreated, or starts after the floor. */
  readonly consumer: 'same' | 'missing' | 'recreated' | 'skipping';
  /** Every record up to this sequence is acked. */
  readonly floor: number;
  /** Upper bound of the records that were removed before the function processed them. */
  readonly lost: number;
}

/** Compares a reader's input with the note of an earlier time; changes nothing. Without a note, nothing has changed. */
export function findInputChange(note: InputNote | undefined, { stream, consumer }: InputState): InputChange {
  const isReplaced = note !== undefined && note.stream !== stream.created;
  const known = isReplaced ? undefined : note;
  const isSame = known === undefined || consumer?.created === known.consumer;
  const floor = Math.max(known?.floor ?? 0, isSame ? (consumer?.ackFloor ?? 0) : stream.firstSequence - 1);
  return {
    isReplaced,
    consumer: consumerChange({ consumer, isSame, floor, isKnown: note !== undefined }),
    floor,
    lost: isReplaced ? note.pending + note.ackPending : known === undefined ? 0 : lostFrom(known, { stream, consumer }),
  };
}

/** The note of what is the case now. `floorAtMs` stays with a floor that has not risen. */
export function nextNote(
  note: InputNote | undefined,
  { stream, consumer }: Required<InputState>,
  floor: number,
): InputNote {
  const isSame = note?.stream === stream.created;
  const isRecreated = isSame && note.consumer !== consumer.created;
  const isHigher = !isSame || floor > note.floor;
  return {
    stream: stream.created,
    consumer: consumer.created,
    floor,
    floorAtMs: isHigher ? consumer.atMs : note.floorAtMs,
    delivered: Math.max(consumer.delivered, floor),
    deliveries: consumer.deliveries,
    countsFrom: consumer.countsFrom,
    repeatedTo: isRecreated ? stream.lastSequence : isSame ? note.repeatedTo : 0,
    ackPending: consumer.ackPending,
    // a recreated consumer also counts what it need not deliver
    pending: Math.min(consumer.pending, Math.max(0, stream.lastSequence - floor)),
    removed: stream.removed.filter((sequence) => sequence > floor),
  };
}

function consumerChange({
  consumer,
  isSame,
  floor,
  isKnown,
}: {
  readonly consumer: InputState['consumer'];
  readonly isSame: boolean;
  readonly floor: number;
  readonly isKnown: boolean;
}): InputChange['consumer'] {
  if (consumer === undefined) return 'missing';
  if (isKnown && !isSame && consumer.start > floor + 1) return 'skipping';
  return isSame ? 'same' : 'recreated';
}

/**
 * Records above the floor that are gone, except those that were delivered and acked since the note. Those that a replica
 * holds count, although it may still process them: an upper bound.
 */
function lostFrom(note: InputNote, { stream, consumer }: InputState): number {
  const start = Math.max(note.floor + 1, stream.trimmedTo);
  const inFront = Math.max(0, stream.firstSequence - start);
  const oneByOne = stream.removed.filter((sequence) => sequence > note.floor && !note.removed.includes(sequence));
  const gone = inFront + oneByOne.length;
  if (gone === 0) return 0;
  const isSame = consumer !== undefined && consumer.created === note.consumer;
  // a consumer moves past removed records without delivering them
  const passed = isSame ? consumer.delivered - note.delivered - (consumer.deliveries - note.deliveries) : gone;
  const ahead = Math.max(0, stream.firstSequence - 1 - Math.max(note.delivered, start - 1));
  const undelivered = Math.min(ahead, Math.max(0, passed)) + oneByOne.filter((each) => each > note.delivered).length;
  return Math.min(gone, undelivered + note.ackPending);
}
