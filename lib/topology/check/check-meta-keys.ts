import { isPlainMap, type PlainMap } from '../../plain-map';
import type { Draft } from '../document/draft';
import { knownKeysAt } from '../document/known-keys';
import { findMetaSetting, type MetaSetting, metaSettings } from '../document/meta-setting';
import { isNearMiss } from '../problem/nearest-name';
import type { DocumentPath } from '../problem/problem';
import type { ProblemList } from '../read/problem-list';

/** Warns about keys in `meta` that resemble a setting of KFlow. All other keys are the user's own. */
export function checkMetaKeys(draft: Draft, problems: ProblemList): void {
  for (const each of draft.functions) {
    const path = [...each.path, 'meta'];
    checkMap(each.meta, path, problems);
    for (const name of Object.keys(metaSettings) as MetaSetting[]) {
      if (name.includes('.')) checkGivenOnce(each.meta, { name, path, problems });
    }
  }
}

function checkMap(map: PlainMap, path: DocumentPath, problems: ProblemList): void {
  const known = knownKeysAt(path);
  for (const [key, value] of Object.entries(map)) {
    if (known.includes(key)) {
      if (isPlainMap(value) && key !== 'container') checkMap(value, [...path, key], problems);
      continue;
    }
    const meant = known.find((name) => isNearMiss(key, name));
    if (meant === undefined) continue;
    const message = `"${key}" is treated as your own key; did you mean "${meant}"?`;
    problems.warn({ code: 'key-unknown', path: [...path, key], message, at: 'key' });
  }
}

/** A dotted setting must not be written both flat and nested, because one of the two values would be ignored. */
function checkGivenOnce(
  meta: PlainMap,
  { name, path, problems }: { name: MetaSetting; path: DocumentPath; problems: ProblemList },
): void {
  if (!Object.hasOwn(meta, name)) return;
  const { [name]: _flat, ...others } = meta;
  const nested = findMetaSetting(others, name);
  if (nested === undefined) return;
  const message = `"${name}" is written twice, flat and nested; remove one`;
  problems.add({ code: 'setting-invalid', path: [...path, ...nested.path], message, at: 'key' });
}
