import { createRemoteJWKSet, decodeJwt, errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { z } from 'zod';
import { ConfigError } from '../../../../lib/errors';
import type { Authenticator, Caller } from './caller';
import { type ClaimSettings, callerOfClaims } from './caller-of-claims';
import { isLoopback } from './loopback';

export interface OidcSettings extends ClaimSettings {
  /** URL as in the tokens' `iss` claim; https, or http on loopback. */
  readonly issuer: string;
  /** Value that the tokens' `aud` claim must contain. */
  readonly audience: string;
}

/** Asymmetric algorithms only: with a shared secret, whoever verifies a token could also issue one. */
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
 * Verifies bearer tokens of an OpenID Connect issuer. The keys are fetched with the first token and cached; for an
 * unknown key they are fetched again, at most twice a minute.
 */
export class OidcIssuer implements Authenticator {
  private keys: Promise<JWTVerifyGetKey> | undefined;

  /** Throws ConfigError for an issuer URL without TLS, because its responses could be forged. */
  constructor(private readonly settings: OidcSettings) {
    assertSecure(settings.issuer, 'access.issuer');
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
      if (!response.ok) throw new Error(`the issuer responded with status ${response.status}`);
      const found = discoverySchema.parse(await response.json());
      if (found.issuer !== issuer) throw new Error(`its discovery document names another issuer, ${found.issuer}`);
      assertSecure(found.jwks_uri, "the issuer's jwks_uri");
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

/** The issuer claim of a token; tokens of other issuers are rejected without fetching keys. */
function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}

function assertSecure(url: string, what: string): void {
  const { protocol, hostname } = URL.canParse(url) ? new URL(url) : { protocol: '', hostname: '' };
  if (protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))) return;
  throw new ConfigError('config-invalid', `${what} must be an https URL, or http on loopback; got "${url}"`);
}

/** The token may be valid, but it cannot be verified while the issuer is unreachable. */
function outage(url: string, cause: unknown): ConfigError {
  const { message, cause: deeper } = cause as Error;
  const why = deeper instanceof Error ? `${message}: ${deeper.message}` : message;
  return new ConfigError('server-failed', `cannot reach the OIDC issuer at ${url}: ${why}`, { cause });
}
