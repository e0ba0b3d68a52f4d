import { isPlainMap } from '../../plain-map';
import { knownKeysAt } from '../document/known-keys';
import { isNearMiss, suggest } from '../problem/nearest-name';
import type { DocumentPath } from '../problem/problem';

export type SetPath =
  | { readonly found: true; readonly path: DocumentPath }
  | { readonly found: false; readonly message: string };

/**
 * Resolves the path of a `--set` in a document: keys are joined by dots and may contain dots themselves, in which case
 * the longest known key wins. List items are written as `[index]`, `.index`, or the id of a function or side output.
 */
export function resolveSetPath(document: unknown, text: string): SetPath {
  let path: DocumentPath = [];
  let value: unknown = document;
  let rest = text;
  while (rest !== '') {
    const step = Array.isArray(value) ? stepIntoList(value, rest) : stepIntoMap({ value, path, rest });
    if ('message' in step) return { found: false, message: step.message };
    path = [...path, step.key];
    value = isPlainMap(value) ? value[step.key] : Array.isArray(value) ? value[Number(step.key)] : undefined;
    rest = step.rest;
  }
  return { found: true, path };
}

type Step = { readonly key: string | number; readonly rest: string } | { readonly message: string };

function stepIntoList(list: readonly unknown[], rest: string): Step {
  const [, bracketed, plain = '', after = ''] = /^(?:\[(\d+)\]|([^.[\]]+))(.*)$/s.exec(rest) ?? [];
  const name = bracketed ?? plain;
  const ids = list.map((item) => (isPlainMap(item) ? item.id : undefined));
  const byId = bracketed === undefined ? ids.indexOf(name) : -1;
  const index = byId >= 0 ? byId : /^\d+$/.test(name) ? Number(name) : -1;
  if (index >= 0 && index < list.length) return { key: index, rest: withoutDot(after) };
  const known = ids.filter((id): id is string => typeof id === 'string');
  const range = list.length === 0 ? 'the list is empty' : `indexes go from 0 to ${list.length - 1}`;
  const hint = /^\d+$/.test(name) || known.length === 0 ? `; ${range}` : suggest(name, known);
  return { message: `no item has the id or index "${name}"${hint}` };
}

interface MapStep {
  readonly value: unknown;
  readonly path: DocumentPath;
  readonly rest: string;
}

function stepIntoMap({ value, path, rest }: MapStep): Step {
  const known = knownKeysAt(path);
  const present = isPlainMap(value) ? Object.keys(value) : [];
  const key = longestStart([...known, ...present], rest);
  if (key !== undefined) return { key, rest: withoutDot(rest.slice(key.length)) };
  const [, name = '', after = ''] = /^([^.[\]]*)(.*)$/s.exec(rest) ?? [];
  if (name === '' || name === '__proto__') return { message: `expected a key at "${rest}"` };
  if (value !== undefined && value !== null && !isPlainMap(value)) {
    return { message: `"${name}" cannot be set, because the value above it is not a map` };
  }
  if (path.includes('meta') && !known.some((each) => isNearMiss(name, each)))
    return { key: name, rest: withoutDot(after) };
  return { message: `unknown key "${name}"${suggest(name, known)}` };
}

function longestStart(keys: readonly string[], rest: string): string | undefined {
  const fitting = keys.filter((key) => rest === key || rest.startsWith(`${key}.`) || rest.startsWith(`${key}[`));
  return fitting.sort((one, other) => other.length - one.length)[0];
}

function withoutDot(rest: string): string {
  return rest.startsWith('.') && rest.length > 1 ? rest.slice(1) : rest;
}
