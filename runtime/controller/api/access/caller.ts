import { ApiError } from '../http/api-error';

/** What each role may do, and all that those before it may. */
export const roles = ['view', 'operate', 'admin'] as const;
export type Role = (typeof roles)[number];

/** Who asks, as far as it is known. */
export interface Caller {
  /** The audit log's `by`. */
  readonly name: string;
  readonly role: Role;
  /** Left out: every namespace. */
  readonly namespaces?: readonly string[];
}

/** Throws ApiError 403 unless the caller has this role or one above it. */
export function assertRole({ name, role }: Caller, needed: Role): void {
  if (roles.indexOf(role) >= roles.indexOf(needed)) return;
  throw new ApiError(403, 'access-denied', `"${name}" has the role ${role}; this needs ${needed}`);
}

/** Throws ApiError 403 unless the caller may ask about flows of this namespace. */
export function assertNamespace({ name, namespaces }: Caller, namespace: string): void {
  if (namespaces === undefined || namespaces.includes(namespace)) return;
  const message = `"${name}" may not ask about the namespace ${namespace}, only about ${namespaces.join(', ')}`;
  throw new ApiError(403, 'access-denied', message);
}

/**
 * The namespace that is asked about: the one named, or the only one the caller has; undefined is all of them. Throws
 * ApiError 403 when the caller may not.
 */
export function namespaceFor(caller: Caller, named: string | undefined): string | undefined {
  if (named !== undefined) {
    assertNamespace(caller, named);
    return named;
  }
  const { name, namespaces } = caller;
  if (namespaces === undefined || namespaces.length === 1) return namespaces?.[0];
  const message = `"${name}" may not ask about all namespaces: name one of ${namespaces.join(', ')}`;
  throw new ApiError(403, 'access-denied', message);
}
