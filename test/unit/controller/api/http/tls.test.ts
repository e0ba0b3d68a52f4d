import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import tls, { type TLSSocket } from 'node:tls';
import { type RunningApi, startApi } from '../../../../../runtime/controller/api/api-server';
import { MemoryFlows } from '../../../../support/memory-flows';
import { expireCertificate, type OwnCertificate, ownCa } from '../../../../support/own-ca';
import { waitFor } from '../../../../support/wait-for';
import { open } from '../support';

let folder: string;
let first: OwnCertificate;
let second: OwnCertificate;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'kflow-tls-'));
  first = ownCa(path.join(folder, 'first'));
  second = ownCa(path.join(folder, 'second'));
  ownCa(path.join(folder, 'expired'));
  expireCertificate(path.join(folder, 'expired'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const files = () => ({ certFile: path.join(folder, 'tls.crt'), keyFile: path.join(folder, 'tls.key') });
const put = (from: 'first' | 'second' | 'expired') => {
  copyFileSync(path.join(folder, from, 'server.crt'), files().certFile);
  copyFileSync(path.join(folder, from, 'server.key'), files().keyFile);
};

let api: RunningApi;
const lines: string[] = [];
const start = (certificate = files()) =>
  startApi({
    service: new MemoryFlows(),
    access: open,
    log: (level, text) => void lines.push(`${level} ${text}`),
    host: '127.0.0.1',
    port: 0,
    tls: certificate,
  });
beforeEach(async () => {
  lines.length = 0;
  put('first');
  api = await start();
});
afterEach(() => api.close());

/** The status of a request that trusts one CA, on a connection of its own. */
function statusWith(ca: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = https.get(`${api.url}/healthz`, { ca, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.once('error', reject);
  });
}

/** The version of TLS that a client at most of this version gets. */
function versionOf(maxVersion: tls.SecureVersion): Promise<string | null> {
  const options = { port: api.port, host: '127.0.0.1', ca: first.ca, maxVersion, minVersion: 'TLSv1' as const };
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = tls.connect({ ...options, ciphers: 'DEFAULT@SECLEVEL=0' }, () => {
      resolve(socket.getProtocol());
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

test('serves HTTPS with the certificate of its files', async () => {
  expect(api.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  expect(await statusWith(first.ca)).toBe(200);
  await expect(statusWith(second.ca)).rejects.toThrow(/certificate/);
});

test('accepts TLS 1.2 and 1.3, and nothing older', async () => {
  expect([await versionOf('TLSv1.2'), await versionOf('TLSv1.3')]).toEqual(['TLSv1.2', 'TLSv1.3']);
  await expect(versionOf('TLSv1.1')).rejects.toThrow(/protocol version|alert/);
});

test('serves with a new certificate once its files were replaced', async () => {
  put('second');
  await waitFor('the new certificate', async () => (await statusWith(second.ca)) === 200);
  expect(lines).toContain(`INFO ${files().certFile}: reloaded`);
});

test('keeps the certificate while its files do not fit each other, and says so once', async () => {
  copyFileSync(path.join(folder, 'second', 'server.crt'), files().certFile);
  await waitFor('an error', () => lines.some((line) => line.startsWith('ERROR keeping the previous certificate')));
  expect(await statusWith(first.ca)).toBe(200);
  put('second');
  await waitFor('the new certificate', async () => (await statusWith(second.ca)) === 200);
  expect(lines.filter((line) => line.startsWith('ERROR'))).toHaveLength(1);
});

test('keeps a valid certificate when its files are replaced by an expired one', async () => {
  put('expired');
  const fault = /^ERROR keeping the previous certificate: listen\.tls\.certFile: .*tls\.crt expired at 20.*; renew it$/;
  await waitFor('an error', () => lines.some((line) => fault.test(line)));
  expect(await statusWith(first.ca)).toBe(200);
});

test('starts with an expired certificate, and says that clients refuse it', async () => {
  await api.close();
  put('expired');
  api = await start();
  expect(lines).toContainEqual(
    expect.stringMatching(/^ERROR clients refuse the certificate: .* expired at 20.*; renew it$/),
  );
});

test.each([
  ['a file that does not exist', 'none.crt', /^listen\.tls\.certFile: cannot read .*none\.crt: ENOENT/],
  ['a file without a certificate', 'empty.crt', /^listen\.tls: .*empty\.crt and .* are not a certificate with its/],
])('does not start with %s', async (_what, name, message) => {
  const certFile = path.join(folder, name);
  if (name === 'empty.crt') writeFileSync(certFile, '');
  await expect(start({ ...files(), certFile })).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringMatching(message),
  });
});
