import type { Log } from '../../../log';
import type { Authenticator } from './caller';
import { OidcIssuer, type OidcSettings } from './oidc-issuer';
import { TokenFile } from './token-file';

/** `open`: everybody on this machine is an admin. `authenticated`: every request needs a bearer token. */
export type Access =
  | { readonly kind: 'open' }
  | { readonly kind: 'authenticated'; readonly authenticator: Authenticator };

export type AccessSettings =
  | { readonly kind: 'open' }
  /** A YAML or JSON list of `{name, role, token | sha256, namespaces?}`; reloaded when it changes. */
  | { readonly kind: 'tokens'; readonly file: string }
  | ({ readonly kind: 'oidc' } & OidcSettings);

/** Throws ConfigError for a token file or an issuer URL that cannot be used. Does not connect to the issuer yet. */
export async function createAccess(settings: AccessSettings, log: Log): Promise<Access> {
  switch (settings.kind) {
    case 'open':
      return { kind: 'open' };
    case 'tokens':
      return { kind: 'authenticated', authenticator: await TokenFile.open(settings.file, log) };
    case 'oidc':
      return { kind: 'authenticated', authenticator: new OidcIssuer(settings) };
  }
}
