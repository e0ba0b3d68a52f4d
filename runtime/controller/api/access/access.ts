import type { Log } from '../../../log';
import type { Authenticator } from './authenticator';
import { OidcIssuer, type OidcSettings } from './oidc-issuer';
import { TokenFile } from './token-file';

/** Who may ask: whoever is on this machine, as an admin; or those whom the authenticator knows. */
export type Access =
  | { readonly kind: 'open' }
  | { readonly kind: 'authenticated'; readonly authenticator: Authenticator };

export type AccessSettings =
  | { readonly kind: 'open' }
  /** A YAML or JSON list of `{name, role, token | sha256, namespaces?}`. It is read again when it has changed. */
  | { readonly kind: 'tokens'; readonly file: string }
  | ({ readonly kind: 'oidc' } & OidcSettings);

/** Throws ConfigError for a file or an issuer that cannot be used; whether the issuer answers is not asked yet. */
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
