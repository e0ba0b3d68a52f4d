/** The header of the last output of a group of records that are acked together: it names them. */
export const acksHeader = 'Kflow-Acks';

/** Messages of one stream. */
interface Acked {
  readonly stream: string;
  /** In ascending order. */
  readonly sequences: readonly number[];
}

/** Longest note, in characters: the headers of a message are limited, too. */
const maxLength = 6 * 1024;
const radix = 36;

/**
 * The names of messages as text: `<stream>:<runs>`, several separated by `;`. A run is the distance from the end of the run
 * before and, if it has more than one message, `+` and how many follow, in base 36. Undefined when the text is too long.
 */
export function renderAcks(
  messages: readonly { readonly stream: string; readonly sequence: number }[],
): string | undefined {
  const byStream = new Map<string, number[]>();
  for (const { stream, sequence } of messages) {
    const known = byStream.get(stream);
    if (known === undefined) byStream.set(stream, [sequence]);
    else known.push(sequence);
  }
  const text = [...byStream].map(([stream, sequences]) => `${stream}:${renderRuns(sequences)}`).join(';');
  return text.length <= maxLength ? text : undefined;
}

/** The messages of a note; none of a text that is none. */
export function parseAcks(note: string): readonly Acked[] {
  return note.split(';').flatMap((part) => {
    const at = part.lastIndexOf(':');
    return at < 1 ? [] : [{ stream: part.slice(0, at), sequences: parseRuns(part.slice(at + 1)) }];
  });
}

function renderRuns(sequences: number[]): string {
  sequences.sort((one, other) => one - other);
  const runs: string[] = [];
  let end = 0;
  for (let at = 0; at < sequences.length; ) {
    const first = sequences[at] ?? 0;
    let last = first;
    for (at++; sequences[at] === last + 1; at++) last++;
    const more = last === first ? '' : `+${(last - first).toString(radix)}`;
    runs.push(`${(first - end).toString(radix)}${more}`);
    end = last;
  }
  return runs.join(',');
}

function parseRuns(text: string): readonly number[] {
  const sequences: number[] = [];
  let end = 0;
  for (const run of text.split(',')) {
    const [distance = '', more = '0'] = run.split('+');
    const first = end + Number.parseInt(distance, radix);
    end = first + Number.parseInt(more, radix);
    if (Number.isNaN(end)) return sequences;
    for (let sequence = first; sequence <= end; sequence++) sequences.push(sequence);
  }
  return sequences;
}
