import { isDeepStrictEqual } from 'node:util';
import { type Document, isMap, isScalar, type Pair, stringify, type YAMLMap } from 'yaml';
import type { DocumentPath } from '../problem/problem';
import { documentOf } from './documents-of-text';

/** A value to set at a path of a document. */
export interface TextEdit {
  readonly path: DocumentPath;
  readonly value: unknown;
}

/**
 * Sets values in the text of a YAML or JSON document and keeps the rest byte for byte: scalars are replaced in place, or
 * inserted below the first line of their map. If that is not possible, the document is reprinted with its comments.
 * Undefined if a path leads through an alias or a merge key, because the edit would change other places too.
 */
export function editText(text: string, edits: readonly TextEdit[]): string | undefined {
  const expected = documentOf(text);
  try {
    for (const { path, value } of edits) expected.setIn(path, expected.createNode(value));
  } catch {
    // the path leads through an alias
    return undefined;
  }
  const spliced = edits.reduce<string | undefined>((each, edit) => each && splice(each, edit), text);
  if (spliced !== undefined && isDeepStrictEqual(documentOf(spliced).toJS(), expected.toJS())) return spliced;
  return rewritten(text, expected);
}

function rewritten(text: string, document: Document): string {
  const isJson = /^\s*\{/.test(text);
  if (isJson) return `${JSON.stringify(document.toJS(), null, 2)}\n`;
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

function splice(text: string, { path, value }: TextEdit): string | undefined {
  if (typeof value === 'object' && value !== null) return undefined;
  const map: unknown = documentOf(text, { keepSourceTokens: true }).getIn(path.slice(0, -1), true);
  const key = path.at(-1);
  if (!isMap(map) || typeof key !== 'string') return undefined;
  const written = map.flow ? JSON.stringify(value) : stringify(value, { lineWidth: 0 }).trimEnd();
  if (written.includes('\n')) return undefined;
  const range = rangeOf(map.items.find((pair) => isScalar(pair.key) && pair.key.value === key));
  if (range !== undefined) return text.slice(0, range.start) + written + text.slice(range.end);
  return map.has(key) ? undefined : insert(text, map, { key, written });
}

/** Range of a value on one line without anchor and tag; undefined for any other value. */
function rangeOf(pair: Pair | undefined): { readonly start: number; readonly end: number } | undefined {
  const { value } = pair ?? {};
  if (!isScalar(value) || value.range == null || value.anchor !== undefined || value.tag !== undefined)
    return undefined;
  const [start, end] = value.range;
  const isPlain = value.type === 'PLAIN' || value.type === 'QUOTE_DOUBLE' || value.type === 'QUOTE_SINGLE';
  return isPlain && start < end ? { start, end } : undefined;
}

/** Inserts a key after the first value of a map, in the style of the map. */
function insert(
  text: string,
  map: YAMLMap,
  { key, written }: { readonly key: string; readonly written: string },
): string | undefined {
  const [first] = map.items;
  const range = rangeOf(first);
  const name = isScalar(first?.key) ? first.key.range?.[0] : undefined;
  if (range === undefined || name == null) return undefined;
  if (map.flow) return `${text.slice(0, range.end)}, ${JSON.stringify(key)}: ${written}${text.slice(range.end)}`;
  const indent = name - (text.lastIndexOf('\n', name - 1) + 1);
  const next = text.indexOf('\n', range.end);
  const at = next < 0 ? text.length : next + 1;
  const lineEnd = next < 0 ? '\n' : '';
  return `${text.slice(0, at)}${lineEnd}${' '.repeat(indent)}${stringify(key).trimEnd()}: ${written}\n${text.slice(at)}`;
}
