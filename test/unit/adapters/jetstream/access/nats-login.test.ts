import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { nkeys } from 'nats';
import { loginOf, readLogin } from '../../../../../runtime/adapters/jetstream/access/nats-login';

const root = mkdtempSync(path.join(tmpdir(), 'kflow-login-'));
let folders = 0;
afterAll(() => rmSync(root, { recursive: true }));

function folderOf(files: { readonly [name: string]: string }): string {
  const folder = path.join(root, String(folders++));
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
  return folder;
}

const user = nkeys.createUser();
const seed = Buffer.from(user.getSeed()).toString();

test('no folder is no login', () => {
  expect(readLogin(undefined)).toEqual({ way: 'no credentials' });
});

test.each([
  ['user and password', { user: 'me\n', password: ' a b \n' }, { user: 'me', pass: ' a b ' }],
  ['token', { token: 'secret\n' }, { auth_token: 'secret' }],
  ['nkey', { nkey: `${seed}\n` }, { nkey: user.getPublicKey(), sig: expect.any(String) }],
  [
    'nats.creds',
    {
      'nats.creds': `-----BEGIN NATS USER JWT-----\nabc.d.e\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`,
    },
    { jwt: 'abc.d.e', nkey: user.getPublicKey(), sig: expect.any(String) },
  ],
])('the files decide the way: %s', (way, files, sent) => {
  const login = readLogin(folderOf(files));
  expect(login.way).toBe(way);
  expect(login.authenticator?.('nonce')).toEqual(sent);
  expect(login.tls).toBeUndefined();
});

test('files of TLS are named, because the client reads them at each connect', () => {
  const folder = folderOf({ 'ca.crt': 'a', 'tls.crt': 'b', 'tls.key': 'c' });
  const tls = { caFile: `${folder}/ca.crt`, certFile: `${folder}/tls.crt`, keyFile: `${folder}/tls.key` };
  expect(readLogin(folder)).toEqual({ way: 'client certificate', tls });
  const both = folderOf({ user: 'me', password: 'x', 'ca.crt': 'a', 'tls.crt': 'b', 'tls.key': 'c' });
  expect(readLogin(both).way).toBe('user and password and a client certificate');
  expect(readLogin(folderOf({ 'ca.crt': 'a' })).way).toBe('no credentials');
});

test('certificates come from a second folder if that of the login has none', () => {
  const url = 'tls://nats:4222';
  const credentials = folderOf({ token: 'secret' });
  const certificates = folderOf({ 'ca.crt': 'a' });
  const login = loginOf({ url, credentials, certificates });
  expect(login).toMatchObject({ way: 'token', tls: { caFile: `${certificates}/ca.crt` } });
  const own = folderOf({ token: 'secret', 'ca.crt': 'b' });
  expect(loginOf({ url, credentials: own, certificates }).tls).toEqual({ caFile: `${own}/ca.crt` });
});

test.each([
  ['two ways', { user: 'hunter2', password: 'hunter2', token: 'hunter2' }, 'user, password, token are different ways'],
  ['a token and creds', { token: 'hunter2', 'nats.creds': 'hunter2' }, 'token, nats.creds are different ways'],
  ['a user alone', { user: 'hunter2' }, 'has user without password'],
  ['a password alone', { username: 'hunter2', password: 'hunter2' }, 'has password without user'],
  ['a certificate alone', { 'tls.crt': 'hunter2' }, 'has tls.crt without tls.key'],
  ['a key alone', { 'tls.key': 'hunter2' }, 'has tls.key without tls.crt'],
  ['an empty file', { token: '\n' }, 'token is empty'],
  ['no file', {}, 'has no file of credentials; want user, password, token, '],
  ['other files', { username: 'hunter2' }, 'got username'],
  ['no seed', { nkey: 'hunter2' }, 'nkey cannot be used; want the seed'],
  ['no creds', { 'nats.creds': 'hunter2' }, 'nats.creds cannot be used; want a credentials file'],
])('%s is refused by the names of the files: %p', (_what, files, text) => {
  const folder = folderOf(files);
  expect(() => readLogin(folder)).toThrow(`credentials of nats in ${folder}: `);
  expect(() => readLogin(folder)).toThrow(text);
  expect(() => readLogin(folder)).not.toThrow(/hunter2/);
});

test('a folder that does not exist is named', () => {
  expect(() => readLogin('/no/such')).toThrow(
    'credentials of nats in /no/such: cannot be read (ENOENT); want a folder',
  );
});
