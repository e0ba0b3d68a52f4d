import type { Identity } from '../jetstream/access/nats-login';
import { userToken } from './claims';
import type { AccountKeys, DerivedKeys } from './derived-keys';
import type { Nkey } from './nkey';

/** A new token is made at each connect. */
const lifetimeSeconds = 3_600;

/** How a controller logs in to its own account. */
export function controllerIdentity(kind: 'operator' | 'config', keys: DerivedKeys): Identity {
  const own = keys.ofController();
  return kind === 'operator' ? tokenIdentity(own, own.controller) : nkeyIdentity(own, own.controller);
}

/** A user of an account, with a new token at each connect. */
export function tokenIdentity({ name, account, signer }: AccountKeys, user: Nkey): Identity {
  return {
    way: `a token of the account ${name}`,
    authenticator: (nonce) => {
      const issuedAt = Math.floor(Date.now() / 1_000);
      const claims = { name: 'kflow controller', user: user.publicKey, account: account.publicKey, issuedAt };
      const token = userToken(signer, { ...claims, expiresAt: issuedAt + lifetimeSeconds });
      return { jwt: token, ...signedNonce(user, nonce) };
    },
  };
}

/** The proof that a client holds the secret key of a user. */
function signedNonce(user: Nkey, nonce = ''): { readonly nkey: string; readonly sig: string } {
  return { nkey: user.publicKey, sig: user.sign(nonce).toString('base64url') };
}

/** A user that the configuration of nats lists. */
export function nkeyIdentity({ name }: Pick<AccountKeys, 'name'>, user: Nkey): Identity {
  return { way: `the nkey of the account ${name}`, authenticator: (nonce) => signedNonce(user, nonce) };
}
