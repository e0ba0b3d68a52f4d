import { parseDocument } from 'yaml';
import { ConfigError } from '../../errors';
import { isPlainMap } from '../../plain-map';
import type { DocumentPath, Problem } from '../problem/problem';
import type { DocumentSource, Place } from './document-source';
import { resolveSetPath } from './set-path';

/** A `--set` option of the command line: a path in the document and a value. */
export interface DocumentSet {
  readonly path: string;
  readonly value: unknown;
}

/**
 * Parses `a.b=c`. The value is YAML, so `4`, `true`, `[a, b]` and `{a: 1}` have the types they look like. Throws
 * `ConfigError` on text without `=` and on invalid YAML.
 */
export function parseSet(text: string): DocumentSet {
  const equals = text.indexOf('=');
  const path = text.slice(0, Math.max(0, equals)).trim();
  if (path === '') {
    throw new ConfigError(
      'config-invalid',
      `--set ${equals < 0 ? text : '=…'}: write it as path=value, as in dag.map.parallelism=4`,
    );
  }
  const value = parseDocument(text.slice(equals + 1), { prettyErrors: false, logLevel: 'silent' });
  const [fault] = value.errors;
  if (fault !== undefined) {
    const message = `--set ${path}: the value is not YAML (${fault.message}); quote it`;
    throw new ConfigError('config-invalid', message, { cause: fault });
  }
  return { path, value: value.toJS({ maxAliasCount: 100 }) };
}

/** Position of values of `--set`, which are not in the text. */
const setPlace: Place = { at: -1, key: -1 };

/** Applies the values of `--set` to a document, in order. A path that does not exist is a problem. */
export function applySets(
  source: DocumentSource,
  sets: readonly DocumentSet[],
): { readonly source: DocumentSource; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  let { value, place } = source;
  for (const set of sets) {
    const target = resolveSetPath(value, set.path);
    if (target.found) {
      value = withValue(value, target.path, set.value);
      place = withPlace(place, target.path);
      continue;
    }
    const at = { file: '--set', line: 1, col: 1, path: set.path };
    problems.push({ severity: 'error', code: 'key-unknown', ...at, message: target.message });
  }
  return { source: source.withValue(value, place), problems };
}

function withValue(target: unknown, path: DocumentPath, value: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  if (Array.isArray(target)) return target.map((item, index) => (index === step ? withValue(item, rest, value) : item));
  const map = isPlainMap(target) ? target : {};
  return { ...map, [step]: withValue(map[step], rest, value) };
}

function withPlace(place: Place, path: DocumentPath): Place {
  const [step, ...rest] = path;
  if (step === undefined) return setPlace;
  const children = new Map(place.children);
  children.set(step, withPlace(children.get(step) ?? setPlace, rest));
  return { ...place, children };
}
