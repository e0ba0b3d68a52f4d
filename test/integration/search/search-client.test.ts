import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SearchClient } from '../../../runtime/adapters/search/search-client';
import { type SearchServerProcess, startSearchServer } from '../../../runtime/servers/search-server';
import { closeAfterFile } from '../../support/close-after-file';
import { freePort } from '../../support/free-port';
import { type OwnCertificate, ownCa } from '../../support/own-ca';
import { serverFiles } from '../../support/server-files';

const folder = mkdtempSync(path.join(tmpdir(), 'kflow-search-'));
let search: SearchServerProcess;
let guard: Server;
let certificate: OwnCertificate;
let secured: string;
beforeAll(async () => {
  search = await startSearchServer(serverFiles(folder, 'search'));
  certificate = ownCa(folder);
  guard = guardOf(search.endpoint, certificate);
  await new Promise<void>((resolve) => guard.listen(0, '127.0.0.1', resolve));
  secured = `https://127.0.0.1:${(guard.address() as AddressInfo).port}`;
  closeAfterFile('OpenSearch', async () => {
    guard.close();
    guard.closeAllConnections();
    await search.stop();
    rmSync(folder, { recursive: true, force: true });
  });
});

/** TLS and a login in front of the server, which has neither. */
function guardOf(endpoint: string, { cert, key }: OwnCertificate): Server {
  const login = `Basic ${Buffer.from('eva:sesame').toString('base64')}`;
  return createServer({ cert, key }, (incoming, response) => {
    if (incoming.headers.authorization !== login) {
      response
        .writeHead(401, { 'content-type': 'application/json' })
        .end('{"error":"missing credentials","status":401}');
      return;
    }
    const { method, headers } = incoming;
    const forwarded = request(`${endpoint}${incoming.url}`, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    incoming.pipe(forwarded);
  });
}

const clients: SearchClient[] = [];
afterEach(() => Promise.all(clients.splice(0).map((client) => client.close())));

function open(account: ConstructorParameters<typeof SearchClient>[0]): SearchClient {
  const client = new SearchClient(account);
  clients.push(client);
  return client;
}

const lines = (...documents: object[]) =>
  documents
    .map((document, index) => `{"index":{"_index":"items","_id":"${index}"}}\n${JSON.stringify(document)}\n`)
    .join('');

test('has the answer to each item of a real server', async () => {
  const answer = await open({ addr: search.endpoint }).bulk(lines({ n: 1 }, { n: { no: 'number' } }, { n: 3 }));
  expect(answer).toMatchObject({ is: 'items', items: [{}, { status: 400, type: 'mapper_parsing_exception' }, {}] });
});

test('reaches a server with an own CA, user and password', async () => {
  const caFile = path.join(folder, 'own.crt');
  writeFileSync(caFile, certificate.ca);
  for (const ca of [certificate.ca, caFile]) {
    const client = open({ addr: secured, user: 'eva', password: 'sesame', ca });
    expect(await client.bulk(lines({ n: 1 }))).toMatchObject({ is: 'items', items: [{}] });
  }
});

test('is refused with a wrong password, and does not show it', async () => {
  const answer = await open({ addr: secured, user: 'eva', password: 'hunter2', ca: certificate.ca }).bulk(
    lines({ n: 1 }),
  );
  expect(answer).toEqual({ is: 'refused', status: 401, reason: 'missing credentials' });
});

test('does not trust a server whose CA it does not know', async () => {
  const answer = await open({ addr: secured, user: 'eva', password: 'sesame' }).bulk(lines({ n: 1 }));
  expect(answer).toMatchObject({ is: 'lost', reason: expect.stringMatching(/certificate/) });
});

test('tries another node when one does not answer', async () => {
  const client = open({ addr: `127.0.0.1:${await freePort()}, ${search.endpoint}` });
  const answers = [await client.bulk(lines({ n: 1 })), await client.bulk(lines({ n: 1 }))];
  expect(answers.map(({ is }) => is)).toContain('items');
});

test.each(['ftp://host:9200', 'http://eva:sesame@host:9200', 'host:port'])('refuses the address %s', (addr) => {
  expect(() => open({ addr })).toThrow(expect.objectContaining({ code: 'setting-invalid' }));
});

test('refuses a CA that is no file', () => {
  const error = expect.objectContaining({
    code: 'setting-invalid',
    message: expect.stringContaining('/nowhere/ca.crt'),
  });
  expect(() => open({ addr: secured, ca: '/nowhere/ca.crt' })).toThrow(error);
});
