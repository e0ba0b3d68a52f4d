import { isDeepStrictEqual } from 'node:util';
import { isPlainMap } from '../../plain-map';
import type { DocumentPath } from '../problem/document-path';

/** A value that differs between two documents; undefined where one of them has none. */
export interface ValueDifference {
  readonly path: DocumentPath;
  readonly was: unknown;
  readonly is: unknown;
}

/** The innermost values that differ, in the order of their keys. Lists of different length differ as a whole. */
export function compareValues(was: unknown, is: unknown, path: DocumentPath = []): readonly ValueDifference[] {
  if (isPlainMap(was) && isPlainMap(is)) {
    const keys = new Set([...Object.keys(was), ...Object.keys(is)]);
    return [...keys].flatMap((key) => compareValues(was[key], is[key], [...path, key]));
  }
  if (Array.isArray(was) && Array.isArray(is) && was.length === is.length) {
    return was.flatMap((item: unknown, index) => compareValues(item, is[index], [...path, index]));
  }
  return isDeepStrictEqual(was, is) ? [] : [{ path, was, is }];
}
