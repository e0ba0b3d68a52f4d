import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type NatsServer, startNatsServer } from '../../runtime/servers/nats-server';
import { Workplace } from '../support/kflow-cli';
import { ownCa } from '../support/own-ca';
import { objectHeaders, sendPage, TestS3Server } from '../support/test-s3-server';
import { waitFor } from '../support/wait-for';

const place = new Workplace();
let nats: NatsServer;

beforeAll(async () => {
  const folder = path.join(place.folder, 'nats');
  nats = await startNatsServer({ dataDir: folder, logFile: path.join(folder, 'nats.log') });
  process.env.KFLOW_NATS_URL = nats.url;
}, 600_000);

afterAll(async () => {
  delete process.env.KFLOW_NATS_URL;
  await nats?.stop();
  place.remove();
});

/** Copies the keys that a source lists into the bucket `outbox`. */
function copyFlow(jobId: string, topics: string, access: string, settings = ''): string {
  const schema = '{ type: record, name: copied, fields: [{ name: key, type: string }] }';
  return place.write(
    `${jobId}.yaml`,
    `jobId: ${jobId}
mode: batch
globalConfig: { store: { ${access} } }
dag:
  - { id: list, type: fs-source, format: list, topics: "${topics}", out: [copy] }
  - id: copy
    type: raw
    ${settings}
    schema: ${schema}
    meta: { language: javascript, name: copy, code: "function copy(ctx, event) { return { key: event.key }; }" }
    out: [write]
  - { id: write, type: s3-sink, topics: "s3a://outbox" }
---
`,
  );
}

const keysOf = (directory: string) =>
  place
    .records<{ key: string }>(directory)
    .map(({ key }) => key)
    .sort();

describe('a batch over wildcards', () => {
  const anywhere = 'addr: "minio:9000", user: u, password: p';

  beforeAll(() => {
    for (const file of ['a1.txt', 'sub/a1.txt', 'sub/b1.txt', 'sub/deep/a1.txt', 'other/a.txt']) {
      place.write(`inbox/${file}`, file);
    }
  });

  test('processes the objects whose keys match', async () => {
    const file = copyFlow('wild', 's3a://inbox/*/a*.txt', anywhere);
    const ran = await place.ran('run', file, '--bucket', 'inbox=inbox', '--save', 'outbox=wild', '--timeout', '300');
    expect(ran).toMatchObject({ status: 0 });
    expect(keysOf('wild')).toEqual(['other/a.txt', 'sub/a1.txt']);
  });

  test('says at its end that no objects were found, and succeeds', async () => {
    const file = copyFlow('nothing', 's3a://inbox/*/c*.txt', anywhere);
    const { status, stderr } = await place.ran('run', file, '--bucket', 'inbox=inbox', '--timeout', '300');
    expect(status).toBe(0);
    expect(stderr).toContain('list: no objects found at s3a://inbox/*/c*.txt; 0 records in this run');
  });
});

test('a run that continues one whose source had ended does not miss its objects', async () => {
  const flag = path.join(place.folder, 'go');
  place.write('held-in/a.txt', 'a');
  const account = 'addr: "minio:9000", user: u, password: p';
  const file = place.write(
    'held.yaml',
    `jobId: held
mode: batch
dag:
  - { id: list, type: fs-source, format: list, topics: "s3a://inbox", ${account}, out: [wait] }
  - id: wait
    type: raw
    schema: { type: record, name: seen, fields: [{ name: key, type: string }] }
    meta:
      language: javascript
      name: wait
      code: |
        const { existsSync } = require('node:fs');
        async function wait(ctx, { key }) {
          while (!existsSync(${JSON.stringify(flag)})) await new Promise((resolve) => setTimeout(resolve, 20));
          return { key };
        }
    out: [sink]
  - { id: sink, type: s3-sink, topics: "s3a://outbox", ${account} }
`,
  );
  const first = place.kflow('run', file, '--keep', '--bucket', 'inbox=held-in');
  await first.waitFor(/list +in +- +out +1 .*done/);
  first.process.kill('SIGINT');
  writeFileSync(flag, '');
  expect(await first.exited).toBe(1);
  const { status, stderr } = await place.ran('run', file, '--keep', '--save', 'outbox=held-out', '--timeout', '300');
  expect(status).toBe(0);
  expect(stderr).not.toContain('no objects found');
  expect(keysOf('held-out')).toEqual(['a.txt']);
});

describe('an S3 server of its own', () => {
  const run = (file: string) => place.ran('run', file, '--no-embedded', '--timeout', '300');

  test('may have an own CA, another region, temporary credentials and another clock', async () => {
    const tls = ownCa(path.join(place.folder, 'ca'));
    const server = new TestS3Server({ tls, region: 'eu-central-1', sessionToken: 'token-1', clockOffsetMs: 1_200_000 });
    await server.start();
    server.fill('inbox', { 'a.txt': 'a', 'b.txt': 'b' });
    const access = `addr: "${server.address}", user: u, password: p, sessionToken: token-1, ca: ${JSON.stringify(tls.ca)}`;
    expect(await run(copyFlow('afar', 's3a://inbox', access))).toMatchObject({ status: 0 });
    const written = [...(server.buckets.get('outbox')?.values() ?? [])].map((body) => JSON.parse(String(body)).key);
    expect(written.sort()).toEqual(['a.txt', 'b.txt']);
    await server.stop();
  });

  test('without the bucket is named at the end of the run', async () => {
    const server = new TestS3Server();
    await server.start();
    const access = `addr: "${server.address}", user: u, password: p`;
    const { status, stderr } = await run(copyFlow('missing', 's3a://inbox/in', access));
    expect(status).toBe(1);
    expect(stderr).toContain(
      `S3 at ${server.address}: list inbox/in: bucket does not exist; create it, or correct its name`,
    );
    await server.stop();
  });

  test('may be left in the middle of a listing: the next run emits the rest, and nothing twice', async () => {
    const server = new TestS3Server();
    await server.start();
    const keys = Array.from({ length: 1_200 }, (_, number) => `k${number + 1_000}`);
    server.fill('inbox', Object.fromEntries(keys.map((key) => [key, key])));
    // the second page does not come
    server.fault = ({ query }) => query.has('continuation-token');
    const file = copyFlow('left', 's3a://inbox', `addr: "${server.address}", user: u, password: p`);
    const first = place.kflow('run', file, '--no-embedded', '--keep');
    const objects = () => [...(server.buckets.get('outbox')?.values() ?? [])];
    await waitFor('the objects of the first page', objects, (found) => found.length > 0);
    first.process.kill('SIGINT');
    expect(await first.exited).toBe(1);
    server.fault = () => false;
    expect(await place.ran('run', file, '--no-embedded', '--keep', '--timeout', '300')).toMatchObject({ status: 0 });
    expect(
      objects()
        .map((body) => JSON.parse(String(body)).key)
        .sort(),
    ).toEqual(keys);
    await server.stop();
  });

  test('may be left in the middle of a download: the next run processes every object once', async () => {
    const server = new TestS3Server();
    await server.start();
    server.fill('inbox', { 'a.txt': 'a', 'b.txt': 'begun', 'c.txt': 'c' });
    server.fault = ({ method, key }, response) => {
      if (method !== 'GET' || key !== 'b.txt') return false;
      response.writeHead(200, objectHeaders(Buffer.from('begun'))).write('be'); // the rest does not come
      return true;
    };
    const access = `addr: "${server.address}", user: u, password: p`;
    const downloads = 'globalConfig: { store: { autoDownload: true } }';
    const file = copyFlow('begun', 's3a://inbox', access, downloads);
    const first = place.kflow('run', file, '--no-embedded', '--keep');
    const keys = () => [...(server.buckets.get('outbox')?.values() ?? [])].map((body) => JSON.parse(String(body)).key);
    await waitFor('the other objects', keys, (found) => found.length === 2);
    first.process.kill('SIGINT');
    expect(await first.exited).toBe(1);
    server.fault = () => false;
    expect(await place.ran('run', file, '--no-embedded', '--keep', '--timeout', '300')).toMatchObject({ status: 0 });
    expect(keys().sort()).toEqual(['a.txt', 'b.txt', 'c.txt']);
    await server.stop();
  });

  test('that cuts a listing short fails the run', async () => {
    const server = new TestS3Server();
    await server.start();
    server.fill('outbox', {});
    server.fault = ({ method, bucket, key }, response) => {
      if (method !== 'GET' || bucket !== 'inbox' || key !== undefined) return false;
      sendPage(response, { keys: ['a.txt'], isTruncated: true });
      return true;
    };
    const access = `addr: "${server.address}", user: u, password: p`;
    const { status, stderr } = await run(copyFlow('short', 's3a://inbox', access));
    expect(status).toBe(1);
    expect(stderr).toContain('the listing is cut short (truncated, without a continuation token)');
    await server.stop();
  });
});
