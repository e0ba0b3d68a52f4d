import { createHash } from 'node:crypto';
import type { Nkey } from './nkey';

/** Limits of an account; what is left out is not limited. */
export interface AccountLimits {
  /** Bytes that all streams and buckets of the account may hold. */
  readonly storageBytes?: number;
  readonly connections?: number;
}

export interface AccountClaims {
  readonly name: string;
  /** Public key of the account. */
  readonly account: string;
  /** Public key with which the users of the account are signed. */
  readonly signingKey: string;
  readonly limits?: AccountLimits;
  /** By public key of the user: its tokens that were issued until then are refused. In seconds since 1970. */
  readonly revocations?: { readonly [user: string]: number };
  /** The account of the servers themselves, which has no JetStream. */
  readonly isSystem?: true;
}

export interface UserClaims {
  readonly name: string;
  /** Public key of the user. */
  readonly user: string;
  /** Public key of the account. */
  readonly account: string;
  /** In seconds since 1970. */
  readonly issuedAt: number;
  /** In seconds since 1970; absent: the token does not expire. */
  readonly expiresAt?: number;
}

const unlimited = -1;

/** The token of an operator, signed by itself; nats-server trusts the accounts that it signs. */
export function operatorToken(
  operator: Nkey,
  { name, system }: { readonly name: string; readonly system: string },
): string {
  return token(operator, { name, sub: operator.publicKey }, { type: 'operator', system_account: system });
}

/** The token of an account, signed by the operator or one of its signing keys. */
export function accountToken(operator: Nkey, claims: AccountClaims, issuedAt: number): string {
  const { name, account, signingKey, limits = {}, revocations = {}, isSystem } = claims;
  const jetstream = {
    mem_storage: 0,
    disk_storage: limits.storageBytes ?? unlimited,
    streams: unlimited,
    consumer: unlimited,
  };
  const nats = {
    type: 'account',
    limits: {
      subs: unlimited,
      data: unlimited,
      payload: unlimited,
      imports: 0,
      exports: 0,
      wildcards: true,
      conn: limits.connections ?? unlimited,
      leaf: 0,
      ...(isSystem ? {} : jetstream),
    },
    signing_keys: [signingKey],
    ...(Object.keys(revocations).length === 0 ? {} : { revocations }),
  };
  return token(operator, { name, sub: account, iat: issuedAt }, nats);
}

/** The token of a user, signed with the signing key of its account. The same claims are the same bytes. */
export function userToken(signer: Nkey, { name, user, account, issuedAt, expiresAt }: UserClaims): string {
  const nats = {
    type: 'user',
    issuer_account: account,
    pub: {},
    sub: {},
    subs: unlimited,
    data: unlimited,
    payload: unlimited,
    allowed_connection_types: ['STANDARD', 'WEBSOCKET'],
  };
  const dates = { iat: issuedAt, ...(expiresAt === undefined ? {} : { exp: expiresAt }) };
  return token(signer, { name, sub: user, ...dates }, nats);
}

/** The content of a file `nats.creds`: a user's token with the seed of its key. */
export function credsFile(user: Nkey, jwt: string): string {
  return [
    '-----BEGIN NATS USER JWT-----',
    jwt,
    '------END NATS USER JWT------',
    '',
    '-----BEGIN USER NKEY SEED-----',
    user.seed,
    '------END USER NKEY SEED------',
    '',
  ].join('\n');
}

interface Registered {
  readonly name: string;
  readonly sub: string;
  readonly iat?: number;
  readonly exp?: number;
}

/** A JWT as nats-server reads it: signed with an nkey, version 2. The id is the hash of the other claims. */
function token(signer: Nkey, registered: Registered, nats: object): string {
  const claims = { iat: 0, ...registered, iss: signer.publicKey, nats: { ...nats, version: 2 } };
  const jti = createHash('sha256').update(JSON.stringify(claims)).digest('hex').slice(0, 32).toUpperCase();
  const parts = [
    { typ: 'JWT', alg: 'ed25519-nkey' },
    { jti, ...claims },
  ];
  const signed = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${signed}.${signer.sign(signed).toString('base64url')}`;
}
