import { isPlainMap } from '../../plain-map';
import type { DocumentPath } from '../problem/document-path';
import type { Problem } from '../problem/problem';
import type { DocumentSource, Place } from './document-source';
import type { DocumentSet } from './parse-set';
import { resolveSetPath } from './set-path';

/** Positions of what `--set` put into a document: none in its text. */
const setPlace: Place = { at: -1, key: -1 };

/** The document with the values of `--set` over it, one after the other; a set that points nowhere is a problem. */
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
