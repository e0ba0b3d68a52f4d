/** Tokens whose kind says all. */
export type Mark = '→' | '|' | '{' | '}' | ';' | '>' | '*' | '?' | '=';

/** A piece of the text between two offsets. */
export interface Token {
  readonly kind:
    | Mark
    | 'name'
    | 'label'
    | 'keyword'
    | 'parameters'
    | 'constant'
    | 'resource'
    | 'guard'
    | 'doc'
    | 'comment'
    /** What is no token, and reported as such. */
    | 'unknown'
    | 'end';
  readonly at: number;
  readonly end: number;
  /** Of names, labels, keywords, resources, guards and docs: the text without its marks. Of data: what is between them. */
  readonly text: string;
  /** Offset of `text`. */
  readonly textAt: number;
}

/** Text of a token for messages. */
export function showToken({ kind, text }: Token): string {
  switch (kind) {
    case 'end':
      return 'the end of the text';
    case 'name':
      return `"${text}"`;
    case 'label':
      return `the label ":${text}"`;
    case 'keyword':
      return `"@${text}"`;
    case 'parameters':
      return '"("';
    case 'constant':
    case 'resource':
      return '"<"';
    case 'guard':
      return 'a text in backquotes';
    case 'doc':
      return 'a doc text';
    case 'comment':
      return 'a comment';
    case 'unknown':
      return `"${text}"`;
    default:
      return `"${kind}"`;
  }
}

/** Words of the language, which no task has as its name, with how they are used. */
export const reservedWords: ReadonlyMap<string, string> = new Map([
  ['catch', '"catch" stands between two steps, before labels: A catch B :x'],
  ['with', '"with" follows a step, and a policy follows it: A with (- retry: {attempts: 3} -)'],
]);
