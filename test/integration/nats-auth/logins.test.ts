import type { NatsConnection } from 'nats';
import { connectNats } from '../../../runtime/adapters/jetstream/access/connect-nats';
import { jetStreamOf, managerOf } from '../../../runtime/adapters/jetstream/access/jetstream-api';
import type { NatsServer } from '../../../runtime/servers/nats-server';
import { LoginPlace, secret } from '../../support/login-place';

const place = new LoginPlace();
const connections: NatsConnection[] = [];
afterAll(() => Promise.all(connections.map((connection) => connection.close())));

async function connected(...args: Parameters<typeof connectNats>): Promise<NatsConnection> {
  const connection = await connectNats(...args);
  connections.push(connection);
  return connection;
}

describe.each(place.ways())('a server that asks for $name', ({ name, config, right, wrong, way, scheme }) => {
  let server: NatsServer;
  let url: string;

  beforeAll(async () => {
    server = await place.start(name.replaceAll(' ', '-'), config);
    url = server.url.replace('nats:', `${scheme}:`);
  });

  test('lets a client with its files make streams and values', async () => {
    const connection = await connected({ url, credentials: place.credentials(right) }, 'test');
    const manager = await managerOf(connection);
    await manager.streams.add({ name: 'records', subjects: ['records'] });
    expect((await jetStreamOf(connection).publish('records', 'one')).seq).toBe(1);
    const values = await jetStreamOf(connection).views.kv('state');
    await values.put('key', 'value');
    expect((await values.get('key'))?.string()).toBe('value');
  });

  test('lets it in when another server of the URL is down', async () => {
    const access = { url: `${scheme}://127.0.0.1:1,${url}`, credentials: place.credentials(right) };
    expect((await connected(access, 'test')).getServer()).toBe(url.replace(/^\w+:\/\//, ''));
  });

  test('refuses other files at once, by a message without what is in them', async () => {
    const credentials = place.credentials(wrong);
    const refused = connectNats({ url, credentials }, 'test');
    await expect(refused).rejects.toMatchObject({ name: 'ConfigError', code: 'login-failed' });
    const { message } = await refused.catch((error) => error);
    expect(message).toContain(
      way === 'client certificate' ? 'want a tls.crt that the server trusts' : `login with ${way} of ${credentials}`,
    );
    for (const text of Object.values(wrong)) expect(message).not.toContain(text.trim());
    expect(message).not.toContain(secret);
  });

  test('refuses a client without files', async () => {
    await expect(connectNats({ url }, 'test')).rejects.toMatchObject({ code: 'login-failed' });
  });
});

test('says once that it waits for a server that is not there yet', async () => {
  const { url, stop } = await place.start('late', []);
  await stop();
  const lines: string[] = [];
  let starting: Promise<unknown> | undefined;
  const absent = (text: string) => {
    lines.push(text);
    starting ??= place.start('late', []);
  };
  expect((await connected({ url }, 'test', { absent })).isClosed()).toBe(false);
  await starting;
  expect(lines).toEqual([expect.stringMatching(new RegExp(`^cannot connect to nats at ${url}: .*; retrying$`))]);
});

test('a server of another CA is refused, and the message says which file is missing', async () => {
  place.ca('own');
  const { url } = await place.start('own', [place.tls('own')]);
  await expect(connectNats({ url }, 'test')).rejects.toThrow(/TLS failed, .* want ca\.crt with the CA of the server/);
});

test('a server whose certificate has expired is refused', async () => {
  const { ca } = place.ca('expired');
  place.expire('expired');
  const { url } = await place.start('expired', [place.tls('expired')]);
  const refused = connectNats({ url, credentials: place.credentials({ 'ca.crt': ca }) }, 'test');
  await expect(refused).rejects.toThrow(/TLS failed, certificate has expired/);
});

test('a server without TLS is refused where TLS is asked for', async () => {
  const { url } = await place.start('plain', []);
  const secure = { url: url.replace('nats:', 'tls:') };
  await expect(connectNats(secure, 'test')).rejects.toThrow(/the server has no TLS; use nats:\/\/ in the URL$/);
  const credentials = place.credentials({ 'ca.crt': place.ca('ca').ca });
  await expect(connectNats({ ...secure, credentials }, 'test')).rejects.toThrow(/no TLS; remove ca\.crt, and use nats/);
});

test('white space is part of a password, except one newline at the end of its file', async () => {
  const { url } = await place.start('spaces', [`authorization { users: [{ user: me, password: " ${secret}\\n " }] }`]);
  for (const end of ['', '\n', '\r\n']) {
    const credentials = place.credentials({ user: 'me', password: ` ${secret}\n ${end}` });
    await (await connectNats({ url, credentials }, 'test')).close();
  }
});
