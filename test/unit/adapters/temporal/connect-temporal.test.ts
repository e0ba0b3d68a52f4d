import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connectTemporal, type TemporalLinks } from '../../../../runtime/adapters/temporal/connect-temporal';
import { freePort } from '../../../support/free-port';
import { type OwnCertificate, ownCa } from '../../../support/own-ca';
import { waitFor } from '../../../support/wait-for';

/** A gRPC message without fields. */
const emptyMessage = Buffer.alloc(5);

let folder: string;
let certificate: OwnCertificate;
const servers: Http2SecureServer[] = [];
const links: TemporalLinks[] = [];
const sessions = new Set<ServerHttp2Session>();
/** The authorization of each call. */
const keys: (string | undefined)[] = [];

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'kflow-temporal-'));
  certificate = ownCa(folder);
});

/** Answers every call with an empty message: a development server of Temporal accepts any key, and does not tell it. Returns the port. */
async function serve(port = 0): Promise<number> {
  const { cert, key } = certificate;
  const server = createSecureServer({ cert, key });
  servers.push(server);
  server.on('session', (session) => void sessions.add(session));
  server.on('stream', (stream, headers) => {
    keys.push(headers.authorization);
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(emptyMessage);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

afterAll(async () => {
  await Promise.all(links.map((each) => each.close()));
  for (const session of sessions) session.destroy();
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  rmSync(folder, { recursive: true });
});

test('client and worker send the API key that the file has at the time', async () => {
  const apiKeyFile = path.join(folder, 'key');
  writeFileSync(apiKeyFile, 'one\n');
  // a name: a TLS server name may not be an address, and Node 26 refuses one
  const address = `localhost:${await serve()}`;
  const tls = { caFile: path.join(folder, 'ca.crt') };
  const settings = { address, namespace: 'default', taskQueue: 'kflow', tls, apiKeyFile };
  const link = await connectTemporal(settings, () => undefined);
  links.push(link);
  expect(new Set(keys)).toEqual(new Set(['Bearer one']));
  writeFileSync(apiKeyFile, 'two\n');
  for (const { workflowService } of [link.client.connection, link.native]) {
    await waitFor('the new key', async () => {
      await workflowService.getSystemInfo({});
      return keys.at(-1) === 'Bearer two';
    });
  }
});

test('says once that it waits for a server that is not there yet', async () => {
  const port = await freePort();
  const address = `localhost:${port}`;
  const settings = { address, namespace: 'default', taskQueue: 'kflow', tls: { caFile: path.join(folder, 'ca.crt') } };
  const lines: string[] = [];
  const opened = await connectTemporal(settings, (_level, text) => {
    lines.push(text);
    if (lines.length === 1) void serve(port);
  });
  links.push(opened);
  expect(lines).toEqual([expect.stringMatching(new RegExp(`^cannot reach Temporal at ${address}: .*; retrying$`))]);
});
