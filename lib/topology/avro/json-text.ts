import { CST, Parser } from 'yaml';
import type { DocumentPath } from '../problem/problem';

export interface JsonFault {
  readonly offset: number;
  readonly message: string;
}

/**
 * Finds the values of valid JSON text: returns the offset of the value at a path, or of the innermost value around it that
 * exists. Of a repeated key, the last value counts, as in `JSON.parse`. The tree is walked without recursion, so nesting
 * is not limited.
 */
export function jsonOffsets(text: string): (path: DocumentPath) => number {
  // YAML forbids tabs in indentation and lone carriage returns; valid JSON has both only between its tokens
  const tokens = [...new Parser().parse(text.replace(/[\t\r]/g, ' '))];
  const root = tokens.find((token) => token.type === 'document')?.value;
  return (path) => {
    let value = root;
    for (const step of path) {
      const inner = childOf(value, step);
      if (inner === undefined) break;
      value = inner;
    }
    return value?.offset ?? 0;
  };
}

function childOf(parent: CST.Token | undefined, step: string | number): CST.Token | undefined {
  if (parent?.type !== 'flow-collection') return undefined;
  if (typeof step === 'number') return parent.items[step]?.value;
  return parent.items.findLast(({ key }) => CST.isScalar(key) && JSON.parse(key.source) === step)?.value;
}

/**
 * The first place where a text stops being JSON; undefined for valid JSON. Neither library locates it: `JSON.parse` names
 * the position of some errors only, and YAML accepts single quotes, bare words, comments and trailing commas.
 */
export function jsonFault(text: string): JsonFault | undefined {
  const open: Open[] = [];
  let state: State = 'value';
  for (let at = 0; ; ) {
    at += lengthAt(space, text, at);
    if (state === 'end' && at === text.length) return undefined;
    const [kind, length] = tokenAt(text, at);
    const next: State | 'after value' | undefined = transitions[state][kind];
    if (next === undefined) {
      const isBroken = kind === 'broken string' && transitions[state].string !== undefined;
      const got = at === text.length ? 'the end of the text' : `"${text[at]}"`;
      return { offset: at, message: isBroken ? brokenString : `expected ${expectations[state]}, got ${got}` };
    }
    if (kind === '{' || kind === '[') open.push(kind);
    else if (kind === '}' || kind === ']') open.pop();
    state = next === 'after value' ? afterValue(open.at(-1)) : next;
    at += length;
  }
}

type Open = '{' | '[';
type Token = Open | '}' | ']' | ',' | ':' | 'string' | 'literal' | 'broken string' | 'other';
type State = 'value' | 'first item' | 'key' | 'first key' | 'colon' | 'in map' | 'in list' | 'end';

const value = { '{': 'first key', '[': 'first item', string: 'after value', literal: 'after value' } as const;

/** The tokens that each state accepts, and the state that follows. */
const transitions: { readonly [state in State]: { readonly [token in Token]?: State | 'after value' } } = {
  value,
  'first item': { ...value, ']': 'after value' },
  key: { string: 'colon' },
  'first key': { string: 'colon', '}': 'after value' },
  colon: { ':': 'value' },
  'in map': { ',': 'key', '}': 'after value' },
  'in list': { ',': 'value', ']': 'after value' },
  end: {},
};

const expectations: { readonly [state in State]: string } = {
  value: 'a value',
  'first item': 'a value',
  key: 'a key in double quotes',
  'first key': 'a key in double quotes',
  colon: '":" after the key',
  'in map': '"," or "}"',
  'in list': '"," or "]"',
  end: 'the end of the text',
};

const brokenString = 'the string is not closed or contains a character that JSON forbids';

function afterValue(open: Open | undefined): State {
  if (open === undefined) return 'end';
  return open === '{' ? 'in map' : 'in list';
}

const literal = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids control characters in a string
const string = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const space = /[ \t\r\n]*/y;

function tokenAt(text: string, at: number): readonly [Token, number] {
  const mark = text.charAt(at);
  if (mark !== '' && '{}[],:'.includes(mark)) return [mark as Token, 1];
  const pattern = mark === '"' ? string : literal;
  const length = lengthAt(pattern, text, at);
  if (length === 0) return [mark === '"' ? 'broken string' : 'other', 0];
  return [mark === '"' ? 'string' : 'literal', length];
}

function lengthAt(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0].length ?? 0;
}
