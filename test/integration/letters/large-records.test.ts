import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { deadLetterStream, deadLetterSubject, stateBucket } from '../../../lib/plan/names';
import { SchemaRegistry } from '../../../runtime/adapters/jetstream/schema-registry';
import { S3ObjectStore } from '../../../runtime/adapters/s3/object-store';
import { AvroSchemaCodec } from '../../../runtime/engine/avro-message';
import { encodeClaim } from '../../../runtime/engine/claim';
import { type S3Server, startS3Server } from '../../../runtime/servers/s3-server';
import { publishLetter } from '../../support/dead-letter';
import { serverFiles } from '../../support/server-files';
import { kflow } from '../../unit/cli/support';
import { JetStreamPlace } from '../jetstream/jetstream-place';

const flow = { namespace: 'default', jobId: 'large' };
const schema = { type: 'record', name: 'text', fields: [{ name: 'text', type: 'string' }] };
const codec = new AvroSchemaCodec(schema);
const record = Buffer.from(codec.encode({ text: 'x'.repeat(2_000_000) }) ?? []);
const json = JSON.stringify({ text: 'x'.repeat(2_000_000) });
const environment = { ...process.env };
const folder = mkdtempSync(path.join(tmpdir(), 'kflow-large-'));

let place: JetStreamPlace;
let s3: S3Server;

/** Letter 1 has its record in the object store, letter 2 names an object that is gone, and letter 3 has no record. */
beforeAll(async () => {
  place = await JetStreamPlace.start();
  s3 = await startS3Server(serverFiles(folder, 's3'));
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: s3.user, AWS_SECRET_ACCESS_KEY: s3.password });
  const store = new S3ObjectStore({ addr: s3.endpoint, user: s3.user, password: s3.password });
  await store.ensureBucket('payloads');
  await store.put('payloads', 'here', record);
  await store.close();
  await place.stream(deadLetterStream(flow), { subjects: [deadLetterSubject(flow, '*')] });
  await place.connection.jetstream().views.kv(stateBucket(flow));
  const registry = await SchemaRegistry.open(place.connection, { ...flow, stateBucket: stateBucket(flow) });
  await registry.publish(codec.fingerprint, schema);
  for (const key of ['here', 'gone']) {
    const claim = Buffer.from(encodeClaim({ bucket: 'payloads', key, bytes: record.length })).toString();
    await publishLetter(place.connection, flow, { functionId: 'map', text: claim });
  }
  await publishLetter(place.connection, flow, { functionId: 'map', text: 'no record' });
});
afterAll(async () => {
  process.env = environment;
  await s3.stop();
  await place.close();
  rmSync(folder, { recursive: true, force: true });
});

const dlq = (...words: readonly string[]) => kflow('dlq', 'large', ...words, '--nats-url', place.url);
const withStore = (...words: readonly string[]) => dlq(...words, '--s3-url', s3.endpoint);

test('show decodes a large record of the streams, and --raw writes all of it', async () => {
  expect(await withStore('show', '1')).toMatchObject({ status: 0, stdout: expect.stringContaining('{"text":"xxxx') });
  expect(JSON.parse((await withStore('show', '1', '-o', 'json')).stdout)).toMatchObject({
    json,
    schema: expect.any(String),
  });
  expect(await withStore('show', '1', '--raw')).toMatchObject({ status: 0, stdout: record.toString() });
});

test('export has large records decoded, and tells which are missing', async () => {
  const { status, stdout, stderr } = await withStore('export');
  const letters = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(letters).toMatchObject([
    { letter: 1, json, claim: { key: 'here' } },
    { letter: 2, claim: { key: 'gone' }, fault: expect.stringContaining('object does not exist') },
    { letter: 3, fault: expect.stringContaining('neither an Avro') },
  ]);
  expect(letters[0]).not.toHaveProperty('fault');
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /exported 3 letters\n.*without the record of 1 letter: .*payloads\/gone: object does not exist/s,
  );
});

test('without the address of the object store, the command asks for it', async () => {
  const missing = 'the record is large; give its object store with --s3-url';
  expect((await dlq('show', '1')).stdout).toContain(missing);
  expect(await dlq('export')).toMatchObject({
    status: 1,
    stderr: expect.stringContaining(`without the record of 2 letters: ${missing}`),
  });
});
