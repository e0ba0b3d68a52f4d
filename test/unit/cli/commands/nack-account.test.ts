import { parse } from 'yaml';
import { kflow } from '../support';

const given = ['--namespace', 'orders', '--nats-secret', 'orders-nats'];

test('prints an Account that takes what the Secret has', async () => {
  const { status, stdout } = await kflow('nack-account', ...given, '--nats-url', 'tls://a:4222,tls://b:4222');
  expect(status).toBe(0);
  const secret = { name: 'orders-nats' };
  expect(parse(stdout)).toEqual({
    apiVersion: 'jetstream.nats.io/v1beta2',
    kind: 'Account',
    metadata: { name: 'nats', namespace: 'orders', annotations: { 'argocd.argoproj.io/sync-wave': '-1' } },
    spec: {
      name: 'nats',
      servers: ['tls://a:4222', 'tls://b:4222'],
      creds: { secret, file: 'nats.creds' },
      nkey: { secret, seed: 'nkey' },
      user: { secret, user: 'user', password: 'password' },
      token: { secret, token: 'token' },
      tls: { secret, ca: 'ca.crt', cert: 'tls.crt', key: 'tls.key' },
    },
  });
});

test('certificates may be in another Secret', async () => {
  const url = ['--nats-url', 'tls://a:4222', '--name', 'hub', '--tls-secret', 'ca'];
  const { stdout } = await kflow('nack-account', ...given, ...url);
  expect(parse(stdout)).toMatchObject({ metadata: { name: 'hub' }, spec: { tls: { secret: { name: 'ca' } } } });
});

test.each([
  [['--namespace', 'A_b'], '--namespace: want the name of a namespace: '],
  [['--name', 'Bad_Name'], '--name: want the name of an object: '],
  [['--tls-secret', 'Bad_Name'], '--tls-secret: want the name of an object: '],
])('the options %j are wrong usage, which names the flag', async (options, message) => {
  expect(await kflow('nack-account', ...given, '--nats-url', 'tls://a:4222', ...options)).toMatchObject({
    status: 64,
    stderr: expect.stringContaining(`kflow: ${message}`),
  });
});

test('refuses a password in the URL without showing it', async () => {
  const { status, stdout, stderr } = await kflow('nack-account', ...given, '--nats-url', 'nats://me:hunter2@a:4222');
  expect(status).not.toBe(0);
  expect(stderr).toContain('--nats-url: contains a user, password or token');
  expect(stdout + stderr).not.toContain('hunter2');
});
