import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connectTemporal, type TemporalLinks } from '../../../../runtime/adapters/temporal/connect-temporal';
import { ownCa } from '../../../support/own-ca';
import { waitFor } from '../../../support/wait-for';

/** A gRPC message without fields. */
const emptyMessage = Buffer.alloc(5);

let folder: string;
let server: Http2SecureServer;
let links: TemporalLinks | undefined;
const sessions = new Set<ServerHttp2Session>();
/** The authorization of each call. */
const keys: (string | undefined)[] = [];

/** Answers every call with an empty message: a development server of Temporal accepts any key, and does not tell it. */
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'kflow-temporal-'));
  const { cert, key } = ownCa(folder);
  server = createSecureServer({ cert, key });
  server.on('session', (session) => void sessions.add(session));
  server.on('stream', (stream, headers) => {
    keys.push(headers.authorization);
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(emptyMessage);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterAll(async () => {
  await links?.close();
  for (const session of sessions) session.destroy();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

test('client and worker send the API key that the file has at the time', async () => {
  const apiKeyFile = path.join(folder, 'key');
  writeFileSync(apiKeyFile, 'one\n');
  // a name: a TLS server name may not be an address, and Node 26 refuses one
  const address = `localhost:${(server.address() as AddressInfo).port}`;
  const tls = { caFile: path.join(folder, 'ca.crt') };
  const settings = { address, namespace: 'default', taskQueue: 'kflow', tls, apiKeyFile };
  links = await connectTemporal(settings, () => undefined);
  expect(new Set(keys)).toEqual(new Set(['Bearer one']));
  writeFileSync(apiKeyFile, 'two\n');
  for (const { workflowService } of [links.client.connection, links.native]) {
    await waitFor('the new key', async () => {
      await workflowService.getSystemInfo({});
      return keys.at(-1) === 'Bearer two';
    });
  }
});
