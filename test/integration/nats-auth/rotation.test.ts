import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { credsAuthenticator, type NatsConnection } from 'nats';
import type { ConfigError } from '../../../lib/errors';
import { connectNats } from '../../../runtime/adapters/jetstream/access/connect-nats';
import type { Identity } from '../../../runtime/adapters/jetstream/access/nats-login';
import { LoginPlace, operatorMode, secret } from '../../support/login-place';
import { waitFor } from '../../support/wait-for';

const place = new LoginPlace();
const connections: NatsConnection[] = [];
afterAll(() => Promise.all(connections.map((connection) => connection.close())));

/** A connection whose troubles and reconnects a test waits for. */
async function watched(url: string, credentials: string) {
  const troubles: string[] = [];
  const connection = await connectNats({ url, credentials }, 'test', { trouble: (text) => troubles.push(text) });
  connections.push(connection);
  let reconnects = 0;
  void (async () => {
    for await (const { type } of connection.status()) if (type === 'reconnect') reconnects++;
  })();
  const worksAgain = () =>
    waitFor('the connection works again', async () => reconnects > 0 && (await isAnswered(connection)));
  return { connection, troubles, worksAgain };
}

/** Connects with credentials that expire soon, but not before the connection is made. */
async function connectedSoon<T>(connect: (expiresAt: number) => Promise<T>): Promise<T> {
  for (let seconds = 4; ; seconds *= 2) {
    const connected = await connect(Math.floor(Date.now() / 1_000) + seconds).catch((error: ConfigError) => {
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
  const { troubles, worksAgain } = await connectedSoon((expiresAt) => {
    place.write(credentials, operatorMode(expiresAt).right);
    return watched(server.url, credentials);
  });
  await waitFor('the end of the credentials is reported', () => troubles.length > 0);
  place.write(credentials, operatorMode().right);
  await worksAgain();
  expect(troubles[0]).toMatch(
    /refused the login with nats\.creds of .*: (the credentials have expired|authorization violation); retrying$/,
  );
});

test('a token that expires while connected is no refusal: the next connect has a new one', async () => {
  const server = await place.start('short', operatorMode().config);
  const events = { reconnects: 0, faults: [] as unknown[] };
  const fault = (found: unknown) => events.faults.push(found);
  const accepted = () => events.reconnects++;
  const listener = { trouble: fault, refused: fault, accepted };
  let end: number | undefined;
  const identity: Identity = {
    way: 'a token',
    authenticator: (nonce) => {
      const { 'nats.creds': creds = '' } = operatorMode(end).right;
      return credsAuthenticator(Buffer.from(creds))(nonce);
    },
  };
  const connection = await connectedSoon((expiresAt) => {
    end = expiresAt;
    return connectNats({ url: server.url, identity }, 'test', listener);
  });
  end = undefined;
  connections.push(connection);
  await waitFor('the token has expired', () => events.reconnects > 0);
  expect(events.faults).toEqual([]);
});

test('a process that closes its connection during an outage can end', async () => {
  const server = await place.start('gone', []);
  const program = path.join(__dirname, '../../../dist/js/runtime/adapters/jetstream/access/connect-nats.js');
  const script = `require(${JSON.stringify(program)}).connectNats({ url: '${server.url}' }, 'test').then(async (connection) => {
    console.log('connected');
    for await (const { type } of connection.status()) if (type === 'disconnect') await connection.close();
  });`;
  const client = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(client, 'exit');
  await once(client.stdout, 'data');
  await server.stop();
  expect(await exit).toEqual([0, null]);
});

test('files that cannot be used are reported once an outage, however often they are read', async () => {
  const server = await place.start('broken', [`authorization { users: [{ user: me, password: "${secret}-1" }] }`]);
  const credentials = place.credentials({ user: 'me', password: `${secret}-1` });
  const { connection, troubles, worksAgain } = await watched(server.url, credentials);
  let attempts = 0;
  void (async () => {
    for await (const { type } of connection.status()) if (type === 'error') attempts++;
  })();
  place.write(credentials, { password: '' });
  reconfigure('broken', server.pid(), (text) => text.replace(`${secret}-1`, `${secret}-2`));
  await waitFor('the files are read several times', () => attempts > 3);
  place.write(credentials, { password: `${secret}-2` });
  await worksAgain();
  expect(troubles.filter((text) => text.includes('password is empty'))).toHaveLength(1);
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
