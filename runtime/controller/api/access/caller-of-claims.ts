import type { JWTPayload } from 'jose';
import { z } from 'zod';
import { accessDenied, type Caller, type Role, roles } from './caller';

export interface ClaimSettings {
  /** Claim with roles or groups, as a path with dots; default: `kflow_role` and `groups`. */
  readonly rolesClaim?: string;
  /** Claim with the caller's name; default: `preferred_username`, else `email`, else `sub`. */
  readonly nameClaim?: string;
  /** Role by claim value; default: the values are the roles `view`, `operate` and `admin`. */
  readonly roles?: { readonly [value: string]: Role };
}

/** KFlow's own claim: its values are always roles. */
const ownClaim = 'kflow_role';

const namespacesSchema = z.array(z.string()).min(1).optional();

/**
 * The caller that verified claims describe, with the highest of the roles found. The claim `kflow_namespaces`, a list,
 * limits the caller to these namespaces. Throws KFlowError `access-denied` if the claims have no name or no role.
 */
export function callerOfClaims(payload: JWTPayload, settings: ClaimSettings): Caller {
  const { nameClaim, rolesClaim } = settings;
  const nameClaims = nameClaim === undefined ? ['preferred_username', 'email', 'sub'] : [nameClaim];
  const name = nameClaims.map((claim) => claimAt(payload, claim)).find(isName);
  if (name === undefined) throw accessDenied(`the token has no name in ${nameClaims.join(' or ')}`);

  const roleClaims = rolesClaim === undefined ? [ownClaim, 'groups'] : [rolesClaim];
  const given = roleClaims.flatMap((claim) =>
    [claimAt(payload, claim)].flat().map((value) => roleFor(value, claim, settings)),
  );
  const role = roles.findLast((each) => given.includes(each));
  if (role === undefined) throw accessDenied(`"${name}" has no role in ${roleClaims.join(' or ')}`);

  const { data: namespaces, success } = namespacesSchema.safeParse(payload.kflow_namespaces);
  if (!success) throw accessDenied(`the claim kflow_namespaces of "${name}" is not a list of namespaces`);
  return { name, role, ...(namespaces === undefined ? {} : { namespaces }) };
}

function roleFor(value: unknown, claim: string, { roles: byValue }: ClaimSettings): Role | undefined {
  if (typeof value !== 'string') return undefined;
  if (byValue !== undefined && Object.hasOwn(byValue, value)) return byValue[value];
  return byValue === undefined || claim === ownClaim ? roles.find((role) => role === value) : undefined;
}

/** The claim with this name, else the nested claim at this path. */
function claimAt(payload: JWTPayload, claim: string): unknown {
  if (Object.hasOwn(payload, claim)) return payload[claim];
  let value: unknown = payload;
  for (const key of claim.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as { readonly [key: string]: unknown })[key];
  }
  return value;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
