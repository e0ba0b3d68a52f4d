import { isSecretName } from '../../../../lib/topology/problem/secret-text';

/** A part of a text, from `start` up to `end`. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/** What a text is, which says how a secret may stand in it. */
export type TextKind = 'value' | 'code' | 'comment';

/** `user:password` or a token before the `@` of an address. */
const credentials = /:\/\/(?<secret>[^\s/@"']*:[^\s@"']+|[^\s/@"']+)@/dg;
/** `password = "…"`, as code has it; in a quoted scalar the quotes are escaped. */
const quoted = /(?<name>[A-Za-z_][\w-]*)\\?["']?\s*[=:]\s*\\?["'](?<secret>[^"'\\\n]+)/dg;
/** `--password=…`, as programs take it. */
const assigned = /(?<name>[A-Za-z_][\w-]*)=(?<secret>[^\s"'&,;\\]+)/dg;
/** A setting that was commented out. */
const setting = /(?<name>[A-Za-z_][\w-]*)["']?\s*[=:]\s*(?<secret>\S+)/dg;

const patterns: { readonly [kind in TextKind]: readonly RegExp[] } = {
  value: [credentials, quoted, assigned],
  code: [credentials, quoted],
  comment: [credentials, setting],
};

/** The secrets within a text, by how they are written; in its order, and none within another. */
export function secretTextRanges(text: string, kind: TextKind): readonly TextRange[] {
  const ranges = patterns[kind].flatMap((pattern) =>
    [...text.matchAll(pattern)].flatMap((match) => {
      const name = match.groups?.name;
      const [start, end] = match.indices?.groups?.secret ?? [0, 0];
      return name !== undefined && !isSecretName(name) ? [] : [{ start, end }];
    }),
  );
  const kept: TextRange[] = [];
  for (const range of ranges.sort((one, other) => one.start - other.start || other.end - one.end)) {
    if (range.start >= (kept.at(-1)?.end ?? 0)) kept.push(range);
  }
  return kept;
}
