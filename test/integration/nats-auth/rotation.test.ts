import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { NatsConnection } from 'nats';
import type { ConfigError } from '../../../lib/errors';
import { connectNats } from '../../../runtime/adapters/jetstream/access/connect-nats';
import { LoginPlace, operatorMode, secret } from '../../support/login-place';
import { waitFor } from '../../support/wait-for';

const place = new LoginPlace();
const connections: NatsConnection[] = [];
afterAll(() => Promise.all(connections.map((connection) => connection.close())));

/** A connection whose troubles and reconnects a test waits for. */
async function watched(url: string, credentials: string) {
  const troubles: string[] = [];
  const connection = await connectNats({ url, credentials }, 'test', (text) => troubles.push(text));
  connections.push(connection);
  let reconnects = 0;
  void (async () => {
    for await (const { type } of connection.status()) if (type === 'reconnect') reconnects++;
  })();
  const worksAgain = () =>
    waitFor('the connection works again', async () => reconnects > 0 && (await isAnswered(connection)));
  return { connection, troubles, worksAgain };
}

/** Connected with credentials that expire soon, but not before the connection is made. */
async function watchedSoon(url: string, credentials: string): ReturnType<typeof watched> {
  for (let seconds = 4; ; seconds *= 2) {
    place.write(credentials, operatorMode(Math.floor(Date.now() / 1_000) + seconds).right);
    const connected = await watched(url, credentials).catch((error: ConfigError) => {
      if (error.code !== 'login-failed') throw error;
    });
    if (connected !== undefined) return connected;
  }
}

async function isAnswered(connection: NatsConnection): Promise<boolean> {
  await connection.flush();
  return !connection.isClosed();
}

/** Changes the configuration of a running server, which then closes the connections that it would refuse. */
function reconfigure(name: string, pid: number | undefined, change: (text: string) => string): void {
  const file = path.join(place.dataOf(name), 'nats.conf');
  writeFileSync(file, change(readFileSync(file, 'utf8')));
  process.kill(Number(pid), 'SIGHUP');
}

test('a password that was rotated at the server first is reported once, and a new file takes effect', async () => {
  const server = await place.start('late', [`authorization { users: [{ user: me, password: "${secret}-1" }] }`]);
  const credentials = place.credentials({ user: 'me', password: `${secret}-1` });
  const { troubles, worksAgain } = await watched(server.url, credentials);
  reconfigure('late', server.pid(), (text) => text.replace(`${secret}-1`, `${secret}-2`));
  await waitFor('the refusal is reported', () => troubles.length > 0);
  place.write(credentials, { password: `${secret}-2` });
  await worksAgain();
  expect(troubles).toEqual([
    `nats at ${server.url} refused the login with user and password of ${credentials}: authorization violation; retrying`,
  ]);
});

test('a password whose file was rotated first takes effect when the server closes the connection', async () => {
  const server = await place.start('early', [`authorization { users: [{ user: me, password: "${secret}-1" }] }`]);
  const credentials = place.credentials({ user: 'me', password: `${secret}-1` });
  const { troubles, worksAgain } = await watched(server.url, credentials);
  place.write(credentials, { password: `${secret}-2` });
  reconfigure('early', server.pid(), (text) => text.replace(`${secret}-1`, `${secret}-2`));
  await worksAgain();
  expect(troubles.join()).not.toContain(secret);
});

test('credentials that expire are replaced by those of the file', async () => {
  const server = await place.start('expiring', operatorMode().config);
  const credentials = place.credentials({});
  const { troubles, worksAgain } = await watchedSoon(server.url, credentials);
  await waitFor('the end of the credentials is reported', () => troubles.length > 0);
  place.write(credentials, operatorMode().right);
  await worksAgain();
  expect(troubles[0]).toMatch(
    /refused the login with nats\.creds of .*: (the credentials have expired|authorization violation); retrying$/,
  );
});

test('files in the middle of a change do not end the connection', async () => {
  const server = await place.start('restarted', [`authorization { users: [{ user: me, password: "${secret}" }] }`]);
  const credentials = place.credentials({ user: 'me', password: secret });
  const { troubles, worksAgain } = await watched(server.url, credentials);
  place.write(credentials, { password: '' });
  process.kill(Number(server.pid()), 'SIGKILL');
  await waitFor('the empty file is reported', () => troubles.some((text) => text.includes('password is empty')));
  place.write(credentials, { password: secret });
  await worksAgain();
});

test('a certificate of the server that expires while connected is reported, and a new one ends the outage', async () => {
  const { ca } = place.ca('renewed');
  const valid = readFileSync(path.join(place.folder, 'renewed/server.crt'));
  const server = await place.start('renewed-server', [place.tls('renewed')]);
  const { troubles, worksAgain } = await watched(server.url, place.credentials({ 'ca.crt': ca }));
  place.expire('renewed');
  process.kill(Number(server.pid()), 'SIGKILL');
  await waitFor('the certificate is reported', () => troubles.length > 0);
  writeFileSync(path.join(place.folder, 'renewed/server.crt'), valid);
  process.kill(Number(server.pid()), 'SIGHUP');
  await worksAgain();
  expect(troubles).toEqual([
    `cannot log in at nats at ${server.url}: TLS failed, certificate has expired; want ca.crt with the CA of the server, and a valid certificate at the server; retrying`,
  ]);
});
