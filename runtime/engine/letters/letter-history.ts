/** A failed attempt to process a record. */
export interface Attempt {
  /** Number of the delivery, from 1; a redrive counts from 1 again. */
  readonly number: number;
  /** ISO time of the failure. */
  readonly at: string;
  /** The pod, or the process of this machine. */
  readonly replica: string;
  /** `exception`, `exited`, `crashed`, `timed out` or `too large`. */
  readonly reason: string;
  /** Class and message of the error. */
  readonly type: string;
  readonly message: string;
  /** Indexes of the outputs that the attempt stored, as `0-2,5`. */
  readonly stored?: string;
  /** The redrive that the attempt belongs to. */
  readonly redrive?: string;
}

/** A request to process a dead letter again. */
interface RedriveNote {
  readonly id: string;
  readonly by: string;
  /** ISO time. */
  readonly at: string;
  readonly comment?: string;
}

/** What a dead letter went through, the oldest first. */
export interface LetterHistory {
  readonly attempts: readonly Attempt[];
  readonly redrives: readonly RedriveNote[];
  /** Attempts that were left out: the ones between the first and the last. */
  readonly omitted?: number;
}

export const noHistory: LetterHistory = { attempts: [], redrives: [] };

/** Attempts that are kept of the first ones when there are too many. */
const firstAttempts = 2;
/** Lengths to which messages and comments are cut, until the history is short enough. */
const cuts = [300, 120, 40, 0];

/** A history of both. */
export function joinHistories(earlier: LetterHistory, later: LetterHistory): LetterHistory {
  const omitted = (earlier.omitted ?? 0) + (later.omitted ?? 0);
  return {
    attempts: [...earlier.attempts, ...later.attempts],
    redrives: [...earlier.redrives, ...later.redrives],
    ...(omitted === 0 ? {} : { omitted }),
  };
}

/** A history as printable ASCII of at most `maxLength` characters: texts are cut first, then attempts in the middle are left out. */
export function encodeHistory(history: LetterHistory, maxLength: number): string {
  let shorter = history;
  for (const length of cuts) {
    shorter = cutTexts(history, length);
    const text = encode(shorter);
    if (text.length <= maxLength) return text;
  }
  while (shorter.attempts.length > firstAttempts + 1 || shorter.redrives.length > 1) {
    shorter = withoutOldest(shorter);
    const text = encode(shorter);
    if (text.length <= maxLength) return text;
  }
  return '';
}

/** Empty when the text is not a history. */
export function decodeHistory(text: string): LetterHistory {
  if (text === '') return noHistory;
  try {
    const { a, r, o } = JSON.parse(text) as { a: readonly AttemptParts[]; r?: LetterHistory['redrives']; o?: number };
    const attempts: Attempt[] = [];
    for (const { n, at, by, why, e, m, s, r: redrive } of a) {
      const before = attempts.at(-1);
      attempts.push({
        number: n,
        at,
        replica: by ?? before?.replica ?? '',
        reason: why ?? before?.reason ?? '',
        type: e ?? before?.type ?? '',
        message: m ?? before?.message ?? '',
        ...(s === undefined ? {} : { stored: s }),
        ...(redrive === undefined ? {} : { redrive }),
      });
    }
    return { attempts, redrives: r ?? [], ...(o === undefined ? {} : { omitted: o }) };
  } catch {
    return noHistory;
  }
}

/** An attempt, without what it has in common with the one before: most attempts of a record fail in the same way. */
interface AttemptParts {
  readonly n: number;
  readonly at: string;
  readonly by?: string;
  readonly why?: string;
  readonly e?: string;
  readonly m?: string;
  readonly s?: string;
  readonly r?: string;
}

function encode({ attempts, redrives, omitted }: LetterHistory): string {
  const parts = attempts.map(({ number, at, replica, reason, type, message, stored, redrive }, index): AttemptParts => {
    const before = attempts[index - 1];
    return {
      n: number,
      at,
      ...(before?.replica === replica ? {} : { by: replica }),
      ...(before?.reason === reason ? {} : { why: reason }),
      ...(before?.type === type ? {} : { e: type }),
      ...(before?.message === message ? {} : { m: message }),
      ...(stored === undefined ? {} : { s: stored }),
      ...(redrive === undefined ? {} : { r: redrive }),
    };
  });
  const history = { a: parts, ...(redrives.length === 0 ? {} : { r: redrives }), o: omitted };
  return asciiJson(history);
}

/** JSON of printable ASCII, as a header value has to be. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(/[\u007f-\uffff]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

function cutTexts({ attempts, redrives, ...rest }: LetterHistory, length: number): LetterHistory {
  return {
    ...rest,
    attempts: attempts.map((attempt) => ({
      ...attempt,
      type: attempt.type.slice(0, 100),
      message: attempt.message.slice(0, length),
    })),
    redrives: redrives.map(({ comment, ...redrive }) =>
      comment === undefined ? redrive : { ...redrive, comment: comment.slice(0, length) },
    ),
  };
}

function withoutOldest({ attempts, redrives, omitted = 0 }: LetterHistory): LetterHistory {
  if (attempts.length <= firstAttempts + 1) return { attempts, redrives: redrives.slice(1), omitted };
  return {
    attempts: [...attempts.slice(0, firstAttempts), ...attempts.slice(firstAttempts + 1)],
    redrives,
    omitted: omitted + 1,
  };
}
