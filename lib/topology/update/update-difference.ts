import { type DocumentPath, formatPath } from '../problem/document-path';
import { isSecretName } from '../problem/secret-text';
import { showValue } from '../problem/show-value';
import type { ValueDifference } from './compare-values';

/** Something of a document that an update cannot change, or not yet. */
export interface UpdateDifference {
  /** Functions by their ids: `dag.p1.schema`. */
  readonly path: string;
  /** Where it is in the new document. */
  readonly place: DocumentPath;
  /** What it was and what it is now; secrets are not shown. */
  readonly was: string;
  readonly is: string;
  /** In one line, without the path: what differs, and what to do. */
  readonly message: string;
}

/** Where a difference is: of the flow, or of a function. */
export interface DifferenceOwner {
  /** `[]`, or `['dag', 'p1']`. */
  readonly named: DocumentPath;
  /** `[]`, or `['dag', 2]`. */
  readonly place: DocumentPath;
}

/** A difference as people read it. Paths end at the field: where in a schema, the message says. */
export function updateDifference(
  { path, was, is }: ValueDifference,
  { named, place }: DifferenceOwner,
  toDo: string,
): UpdateDifference {
  const end = path.indexOf('schema') + 1;
  const field = end > 0 && path[0] !== 'meta' ? path.slice(0, end) : path;
  const inner = formatPath(path.slice(field.length));
  const [shownWas, shownIs] = [show(path, was), show(path, is)];
  const what = shownWas === shownIs ? 'has another value' : `was ${shownWas}, is ${shownIs}`;
  return {
    path: [...named, formatPath(field)].filter((part) => part !== '').join('.'),
    place: [...place, ...field],
    was: shownWas,
    is: shownIs,
    message: `${inner === '' ? '' : `${inner} `}${what}; ${toDo}`,
  };
}

function show(path: DocumentPath, value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (typeof value !== 'object' && isHidden(path)) return 'a value that is not shown';
  if (typeof value === 'string' && value.includes('\n')) return `text of ${value.split('\n').length} lines`;
  if (path.at(-1) === 'out' && path[0] !== 'meta') return `[${String(value)}]`;
  return showValue(path, value);
}

/** A `secret` beside an address names a Secret; anywhere in `meta` it is the user's own. */
function isHidden(path: DocumentPath): boolean {
  const names = path.filter((step) => typeof step === 'string');
  const name = names.at(-1) ?? '';
  if (names[0] !== 'meta') return name === 'user' || name === 'password';
  return name === 'user' || names.some(isSecretName) || (names.includes('env') && name !== 'name');
}
