import { mkdtempSync, rmSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checkController } from '../../../../../runtime/cli/commands/doctor/check-controller';
import { freePort } from '../../../../support/free-port';
import { type OwnCertificate, ownCa } from '../../../../support/own-ca';

let folder: string;
let certificate: OwnCertificate;
let server: https.Server;
let url: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'kflow-doctor-'));
  certificate = ownCa(folder);
  server = https.createServer(certificate, (_request, response) => response.end('ready'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

test('a controller whose certificate is issued by the given CA is ready', async () => {
  expect(await checkController({ url, ca: certificate.ca })).toEqual([
    expect.objectContaining({ state: 'ok', found: `${url} is ready` }),
  ]);
});

test('a certificate that is not trusted is named as the reason', async () => {
  const [finding] = await checkController({ url });
  expect(finding).toMatchObject({ state: 'failed' });
  expect(JSON.stringify(finding)).toContain('name its CA with --ca or KFLOW_CA');
});

test('a controller that is not there refuses the connection', async () => {
  const place = `http://127.0.0.1:${await freePort()}`;
  expect(await checkController({ url: place })).toEqual([
    expect.objectContaining({
      found: `cannot reach the controller at ${place}: connection refused`,
      remedy: expect.stringContaining('kflow up'),
    }),
  ]);
});
