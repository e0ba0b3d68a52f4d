import type { JWTPayload } from 'jose';
import { z } from 'zod';
import { ApiError } from '../http/api-error';
import { type Caller, type Role, roles } from './caller';

export interface ClaimSettings {
  /** Claim with roles or groups, within another with dots; left out: `kflow_role` and `groups`. */
  readonly rolesClaim?: string;
  /** Claim that names the caller; left out: `preferred_username`, else `email`, else `sub`. */
  readonly nameClaim?: string;
  /** Role by a value of the claim; left out: the values `view`, `operate` and `admin` are the roles. */
  readonly roles?: { readonly [value: string]: Role };
}

/** A claim of ours: its values are always the roles. */
const ownClaim = 'kflow_role';

const namespacesSchema = z.array(z.string()).min(1).optional();

/**
 * Who a token's claims say has it, with the highest of the roles they give. The claim `kflow_namespaces`, a list, limits
 * them. Throws ApiError 403 when a name or a role is lacking.
 */
export function callerOfClaims(payload: JWTPayload, settings: ClaimSettings): Caller {
  const { nameClaim, rolesClaim } = settings;
  const nameClaims = nameClaim === undefined ? ['preferred_username', 'email', 'sub'] : [nameClaim];
  const name = nameClaims.map((claim) => claimAt(payload, claim)).find(isName);
  if (name === undefined) throw refusal(`the token has no name in ${nameClaims.join(' or ')}`);

  const roleClaims = rolesClaim === undefined ? [ownClaim, 'groups'] : [rolesClaim];
  const given = roleClaims.flatMap((claim) =>
    [claimAt(payload, claim)].flat().map((value) => roleFor(value, claim, settings)),
  );
  const role = roles.findLast((each) => given.includes(each));
  if (role === undefined) throw refusal(`"${name}" has no role in ${roleClaims.join(' or ')}`);

  const { data: namespaces, success } = namespacesSchema.safeParse(payload.kflow_namespaces);
  if (!success) throw refusal(`the claim kflow_namespaces of "${name}" is not a list of namespaces`);
  return { name, role, ...(namespaces === undefined ? {} : { namespaces }) };
}

function roleFor(value: unknown, claim: string, { roles: byValue }: ClaimSettings): Role | undefined {
  if (typeof value !== 'string') return undefined;
  if (byValue !== undefined && Object.hasOwn(byValue, value)) return byValue[value];
  return byValue === undefined || claim === ownClaim ? roles.find((role) => role === value) : undefined;
}

/** The claim of this name, or the one within others that its dots lead to. */
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

function refusal(message: string): ApiError {
  return new ApiError(403, 'access-denied', message);
}
