import { type DocumentPath, formatPath } from '../problem/problem';
import { isSecretName, showValue } from '../problem/show-value';
import type { ValueDifference } from './compare-functions';

/** A difference that an update must not make, rendered for people. */
export interface UpdateDifference {
  /** Path with functions by id, as in `dag.p1.schema`. */
  readonly path: string;
  /** Path in the new document. */
  readonly place: DocumentPath;
  /** The value in the running topology and in the new document. Secrets are hidden. */
  readonly was: string;
  readonly is: string;
  /** What differs and what to do, on one line and without the path. */
  readonly message: string;
}

/** The flow or the function that a difference belongs to. */
export interface DifferenceOwner {
  /** `[]`, or `['dag', 'p1']`. */
  readonly named: DocumentPath;
  /** `[]`, or `['dag', 2]`. */
  readonly place: DocumentPath;
}

/** Renders a difference. Its path ends at the schema's field; the place inside a schema goes into the message. */
export function updateDifference(
  { path, was, is }: ValueDifference,
  { named, place }: DifferenceOwner,
  toDo: string,
): UpdateDifference {
  const end = path.indexOf('schema') + 1;
  const field = end > 0 && path[0] !== 'meta' ? path.slice(0, end) : path;
  const inner = formatPath(path.slice(field.length));
  const [shownWas, shownIs] = [show(path, was), show(path, is)];
  const what = shownWas === shownIs ? 'differs' : `was ${shownWas}, is ${shownIs}`;
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
  if (typeof value !== 'object' && isHidden(path)) return 'a hidden value';
  if (typeof value === 'string' && value.includes('\n')) return `text of ${value.split('\n').length} lines`;
  if (path.at(-1) === 'out' && path[0] !== 'meta') return `[${String(value)}]`;
  return showValue(path, value);
}

/** A `secret` next to an address is the name of a Secret. In `meta`, it is a value of the user's own and hidden. */
function isHidden(path: DocumentPath): boolean {
  const names = path.filter((step) => typeof step === 'string');
  const name = names.at(-1) ?? '';
  if (names[0] !== 'meta') return ['user', 'password', 'sessionToken'].includes(name);
  return name === 'user' || names.some(isSecretName) || (names.includes('env') && name !== 'name');
}
