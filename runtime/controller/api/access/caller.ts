import { KFlowError } from '../../../../lib/errors';

/** From the least to the most: each role includes the rights of the ones before it. */
export const roles = ['view', 'operate', 'admin'] as const;
export type Role = (typeof roles)[number];

/** Who sends a request. */
export interface Caller {
  /** `by` in the audit log. */
  readonly name: string;
  readonly role: Role;
  /** Absent: every namespace. */
  readonly namespaces?: readonly string[];
}

/**
 * Finds the caller of a bearer token. Throws KFlowError `access-denied` if the token's owner has no role, and ConfigError
 * `server-failed` if the token cannot be verified at the moment.
 */
export interface Authenticator {
  /** Undefined for a token that is unknown, expired or revoked. */
  identify(token: string): Promise<Caller | undefined>;
}

/** Throws KFlowError `access-denied` unless the caller has this role or a higher one. */
export function assertRole({ name, role }: Caller, needed: Role): void {
  if (roles.indexOf(role) >= roles.indexOf(needed)) return;
  throw accessDenied(`"${name}" has the role ${role}; the request requires ${needed}`);
}

/** Throws KFlowError `access-denied` unless the caller has access to the namespace. */
export function assertNamespace({ name, namespaces }: Caller, namespace: string): void {
  if (namespaces === undefined || namespaces.includes(namespace)) return;
  throw accessDenied(`"${name}" has no access to the namespace ${namespace}, only to ${namespaces.join(', ')}`);
}

/**
 * The namespace that a request concerns: the one it names, else the caller's only one; undefined means all namespaces.
 * Throws KFlowError `access-denied` if the caller has no access to it.
 */
export function namespaceFor(caller: Caller, named: string | undefined): string | undefined {
  if (named !== undefined) {
    assertNamespace(caller, named);
    return named;
  }
  const { name, namespaces } = caller;
  if (namespaces === undefined || namespaces.length === 1) return namespaces?.[0];
  throw accessDenied(`"${name}" has no access to all namespaces; name one of ${namespaces.join(', ')}`);
}

/** The error for a request that its caller must not make. */
export function accessDenied(message: string): KFlowError {
  return new KFlowError('access-denied', message);
}
