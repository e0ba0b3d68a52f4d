import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { s3list } from '../../../lib/topology/function-types/fs-source';
import { ObjectDownloads } from '../../../runtime/adapters/s3/object-downloads';
import { S3ObjectStore } from '../../../runtime/adapters/s3/object-store';
import { AvroSchemaCodec } from '../../../runtime/engine/avro-message';
import type { Log } from '../../../runtime/engine/ports/host';
import { etagOf, objectHeaders } from '../../support/test-s3-server';
import { S3Stage } from './s3-stage';

const directory = mkdtempSync(path.join(tmpdir(), 'kflow-downloads-'));
const stage = new S3Stage();
const { server } = stage;
let logged: string[];

afterAll(() => rmSync(directory, { recursive: true, force: true }));
beforeEach(() => {
  logged = [];
  server.fill('inbox', { 'in/a.txt': 'hello' });
});

function downloads(isFailureSkipped = false, store = stage.store): ObjectDownloads {
  return new ObjectDownloads({
    store,
    schemas: { schemaOf: async () => s3list },
    directory,
    isFailureSkipped,
    log: (level, text) => logged.push(`${level} ${text}`),
  });
}

function listed(key: string): Uint8Array {
  const record = { url: `s3a://inbox/${key}`, lastModifiedUnixMilli: 0, bucket: 'inbox', key };
  return new AvroSchemaCodec(s3list).encode(record) ?? Buffer.of();
}

/** Every read has the headers of the object and a shorter body. */
function cutBodies(): void {
  server.fault = ({ key }, response) => {
    if (key !== undefined) response.writeHead(200, { etag: etagOf(Buffer.from('hello')) }).end('hel');
    return key !== undefined;
  };
}

test('a file has the whole object, and is deleted with its folder', async () => {
  const all = downloads();
  const download = await all.fetch(listed('in/a.txt'));
  const file = download.path ?? '';
  expect([path.basename(file), readFileSync(file, 'utf8')]).toEqual(['a.txt', 'hello']);
  expect(download.metadata).toMatchObject({ bucket: 'inbox', size: 5 });
  await all.discard(download);
  expect([existsSync(path.dirname(file)), readdirSync(directory)]).toEqual([false, []]);
});

test('an object that is cut once arrives as a whole', async () => {
  server.fault = ({ key, earlier }, response) => {
    if (key === undefined || earlier > 0) return false;
    response.writeHead(200, objectHeaders(Buffer.from('hello')));
    response.write('hel', () => response.destroy());
    return true;
  };
  const all = downloads();
  const download = await all.fetch(listed('in/a.txt'));
  expect(readFileSync(download.path ?? '', 'utf8')).toBe('hello');
  await all.discard(download);
});

test('tells how far a download is in steps of a percentage, with its record', async () => {
  const lines: string[] = [];
  const log: Log = (level, text, about) => lines.push(`${level} ${text} [${about?.record}]`);
  const store = new S3ObjectStore({
    addr: server.address,
    user: 'u',
    password: 'p',
    progress: { stepPercent: 30, log },
  });
  const bytes = 1024 * 1024;
  server.fill('inbox', { 'in/big': 'x'.repeat(bytes) });
  const all = downloads(false, store);
  const download = await all.fetch(listed('in/big'), { record: 'in:7' });
  const percents = lines.map((line) => Number(/ (\d+) % of /.exec(line)?.[1]));
  expect(lines[0]).toBe(`INFO download of inbox/in/big: ${percents[0]} % of ${bytes} bytes [in:7]`);
  const steps = percents.map((percent, index) => percent - (percents[index - 1] ?? 0));
  expect(steps.filter((step) => step < 30)).toEqual([]);
  await all.discard(download);
  await store.close();
});

test('a failed download is the failure of its record, and leaves nothing behind', async () => {
  cutBodies();
  await expect(downloads().fetch(listed('in/a.txt'))).rejects.toMatchObject({ code: 'store-failed', reason: 'faulty' });
  expect(readdirSync(directory)).toEqual([]);
});

test('a failed download that is skipped is logged, and the record has no file', async () => {
  cutBodies();
  expect(await downloads(true).fetch(listed('in/a.txt'))).toEqual({ path: null, metadata: null });
  expect(logged).toEqual([expect.stringMatching(/^WARNING download failed, skipped: .*inbox\/in\/a\.txt/)]);
  expect(readdirSync(directory)).toEqual([]);
});
