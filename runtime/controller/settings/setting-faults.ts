import type { z } from 'zod';
import { suggest } from '../../../lib/topology/problem/nearest-name';
import { isSecretName } from '../../../lib/topology/problem/secret-text';
import { knownNames, settingTable } from './setting-table';

type Issue = z.core.$ZodIssue;

/** What is wrong with a setting, one line for each: where, what, got, do. `nameOf` gives the variable a value came by. */
export function describeIssue(issue: Issue, tree: unknown, nameOf: (path: string) => string): string[] {
  const path = issue.path.map(String).join('.');
  const got = valueAt(tree, issue.path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey(path, key, { kind: kindOf(got), nameOf }));
  }
  // told with what it depends on
  if (path === 'access' && got === undefined) return [];
  return [`${nameOf(path)}: ${got === undefined ? missing(path) : wrong(issue, got)}`];
}

function unknownKey(
  parent: string,
  key: string,
  { kind, nameOf }: { readonly kind: string | undefined; readonly nameOf: (path: string) => string },
): string {
  const path = parent === '' ? key : `${parent}.${key}`;
  const known = knownNames(parent);
  if (known.includes(key)) return `${nameOf(path)}: is no setting of the kind "${kind}"`;
  return `${nameOf(path)}: is no setting${suggest(key, known)}`;
}

function missing(path: string): string {
  const setting = settingTable.find((each) => each.path === path);
  if (setting === undefined) return `is missing: it has ${knownNames(path).join(', ')}`;
  const want = setting.oneOf.length > 0 ? `one of ${setting.oneOf.join(', ')}` : setting.description;
  return `is missing${want === '' ? '' : `: ${want}`}; ${setting.variable} in the environment`;
}

function wrong(issue: Issue, got: unknown): string {
  const path = issue.path.map(String).join('.');
  const setting = settingTable.find((each) => each.path === path);
  const shown = isSecretName(String(issue.path.at(-1))) ? 'a value that is not shown' : JSON.stringify(got);
  if (setting !== undefined && setting.oneOf.length > 0) return `want one of ${setting.oneOf.join(', ')}, got ${shown}`;
  return `${issue.message.replace(/^Invalid input: /, '').replace(/, received .*/, '')}, got ${shown}`;
}

function kindOf(value: unknown): string | undefined {
  return typeof value === 'object' && value !== null && 'kind' in value ? String(value.kind) : undefined;
}

function valueAt(tree: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, key) => (at as { [key: PropertyKey]: unknown } | null | undefined)?.[key], tree);
}
