import { createRemoteJWKSet, decodeJwt, errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { z } from 'zod';
import { ConfigError } from '../../../../lib/errors';
import type { Authenticator } from './authenticator';
import type { Caller } from './caller';
import { type ClaimSettings, callerOfClaims } from './caller-of-claims';
import { isLoopback } from './is-loopback';

export interface OidcSettings extends ClaimSettings {
  /** URL, as the tokens' `iss`; plain http on loopback only. */
  readonly issuer: string;
  /** One that the tokens' `aud` has to hold. */
  readonly audience: string;
}

/** Those with a key pair: with a shared secret whoever checks a token could make one. */
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
const clockTolerance = '30 s';
const timeoutMs = 5_000;

const discoverySchema = z.object({ issuer: z.string(), jwks_uri: z.url() });

/**
 * Bearer tokens of an OpenID Connect issuer. Its keys are asked for when the first token comes, and kept; for a key that
 * is not among them they are asked for again, at most twice a minute.
 */
export class OidcIssuer implements Authenticator {
  private keys: Promise<JWTVerifyGetKey> | undefined;

  /** Throws ConfigError for an issuer whose answers somebody on the way could forge. */
  constructor(private readonly settings: OidcSettings) {
    assertPrivate(settings.issuer, 'access.issuer');
  }

  async identify(token: string): Promise<Caller | undefined> {
    const { issuer, audience } = this.settings;
    if (issuerOf(token) !== issuer) return undefined;
    const keys = await this.knownKeys();
    try {
      const options = { issuer, audience, algorithms, clockTolerance, requiredClaims: ['exp'] };
      const { payload } = await jwtVerify(token, keys, options);
      return callerOfClaims(payload, this.settings);
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  }

  private async knownKeys(): Promise<JWTVerifyGetKey> {
    this.keys ??= this.discover();
    try {
      return await this.keys;
    } catch (error) {
      this.keys = undefined;
      throw error;
    }
  }

  private async discover(): Promise<JWTVerifyGetKey> {
    const { issuer } = this.settings;
    const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    try {
      const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
      if (!response.ok) throw new Error(`it answers ${response.status}`);
      const found = discoverySchema.parse(await response.json());
      if (found.issuer !== issuer) throw new Error(`it says that it is ${found.issuer}`);
      assertPrivate(found.jwks_uri, 'its jwks_uri');
      return keysAt(new URL(found.jwks_uri));
    } catch (cause) {
      throw outage(url, cause);
    }
  }
}

function keysAt(url: URL): JWTVerifyGetKey {
  const remote = createRemoteJWKSet(url, { timeoutDuration: timeoutMs });
  return async (header, token) => {
    try {
      return await remote(header, token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JOSENotSupported) throw error;
      throw outage(url.href, error);
    }
  };
}

/** Whose a token says it is; for others no server is asked. */
function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}

function assertPrivate(url: string, what: string): void {
  const { protocol, hostname } = URL.canParse(url) ? new URL(url) : { protocol: '', hostname: '' };
  if (protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))) return;
  throw new ConfigError('config-invalid', `${what} must be an https URL, got "${url}"`);
}

/** It may well be a good token. */
function outage(url: string, cause: unknown): ConfigError {
  const { message, cause: deeper } = cause as Error;
  const why = deeper instanceof Error ? `${message}: ${deeper.message}` : message;
  return new ConfigError('server-failed', `the OIDC issuer cannot be asked at ${url}: ${why}`, { cause });
}
