import { connect, credsAuthenticator, type NatsConnection } from 'nats';

/** Connects once with the content of a file `nats.creds`; rejects when the login is refused. */
export function loggedIn(url: string, creds = ''): Promise<NatsConnection> {
  const authenticator = credsAuthenticator(Buffer.from(creds));
  return connect({ servers: url, authenticator, reconnect: false });
}
