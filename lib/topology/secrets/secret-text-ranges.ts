import { isSecretName } from '../problem/show-value';

/** A part of a text from `start` to `end`, exclusive. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/** The kind of a text determines which notations of secrets occur in it. */
export type TextKind = 'value' | 'code' | 'comment';

/** `user:password` or a token before the `@` of a URL. */
const credentials = /:\/\/(?<secret>[^\s/@"']*:[^\s@"']+|[^\s/@"']+)@/dg;
/** `password = "..."` in code; the quotes are escaped within a quoted scalar. */
const quoted = /(?<name>[A-Za-z_][\w-]*)\\?["']?\s*[=:]\s*\\?["'](?<secret>[^"'\\\n]+)/dg;
/** `--password=...`, as in arguments of programs. */
const assigned = /(?<name>[A-Za-z_][\w-]*)=(?<secret>[^\s"'&,;\\]+)/dg;
/** The credentials of a header of HTTP. */
const header = /\b(?:Bearer|Basic) (?=\S*\d)(?<secret>[\w.~+/-]{8,}=*)/dg;
/** A setting that was commented out. */
const setting = /(?<name>[A-Za-z_][\w-]*)["']?\s*[=:]\s*(?<secret>\S+)/dg;

const patterns: { readonly [kind in TextKind]: readonly RegExp[] } = {
  value: [credentials, quoted, assigned, header],
  code: [credentials, quoted, header],
  comment: [credentials, setting, header],
};

/** The secrets in a text, found by their notation; sorted and not overlapping. */
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
