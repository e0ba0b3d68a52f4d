import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isAlive } from '../../runtime/adapters/processes/earlier-processes';
import { findStack } from '../../runtime/cli/local-stack/find-stack';
import { newInstallationKey } from '../../runtime/installation/installation-key';
import { Workplace } from '../support/kflow-cli';
import { waitFor } from '../support/wait-for';

const place = new Workplace();
const store = 'addr: minio.default.svc:9000, user: minioadmin, password: minioadmin';
const document = `
jobId: copies
mode: stream
dag:
  - { id: list, type: fs-source, format: list, topics: s3a://texts, ${store}, meta: { checkpoint: true }, out: [results] }
  - { id: results, type: s3-sink, topics: s3a://results, ${store} }
`;

beforeAll(() => {
  place.write('texts/a', 'one');
  place.write('texts/in/b', 'two');
  place.write('copies.yaml', document);
});

afterAll(async () => {
  await place.ran('down', '--timeout', '5');
  place.remove();
});

async function stack() {
  const found = await findStack(place.folder);
  if (found === undefined) throw new Error('no stack runs');
  return found;
}

/** Process ids of the servers and the controller, from the supervisor's files. */
function serverPids(): number[] {
  const data = path.join(place.folder, '.kflow/stack.data');
  const files = readdirSync(data).map((name) => path.join(data, name, 'pid'));
  return files.filter(existsSync).map((file) => Number(readFileSync(file, 'utf8')));
}

/** Copies the results out until there are this many. */
async function results(count: number): Promise<readonly string[]> {
  let keys: readonly string[] = [];
  await waitFor(`${count} results`, async () => {
    await place.ran('bucket', 'get', 'results', 'results');
    keys = place.records<{ key: string }>('results').map(({ key }) => key);
    return keys.length >= count;
  });
  return [...keys].sort();
}

test('up --detach returns when everything responds, and a second call prints the addresses', async () => {
  const first = await place.ran('up', '--detach');
  expect(first).toMatchObject({ status: 0 });
  const { url, nats, temporal, s3, pid } = await stack();
  for (const address of [url, nats, temporal, s3.endpoint]) {
    expect(first.stderr).toMatch(new RegExp(`${address} \\(process \\d+\\)\n`));
  }
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  expect(statSync(path.join(place.folder, '.kflow/stack.json')).mode & 0o777).toBe(0o600);
  mkdirSync(path.join(place.folder, 'below'));
  expect((await findStack(path.join(place.folder, 'below')))?.pid).toBe(pid);
  const second = await place.ran('up', '--detach');
  expect(second).toMatchObject({ status: 0 });
  expect(second.stderr).toContain(`already running in ${path.join(place.folder, '.kflow')} (process ${pid})`);
  expect(second.stderr).toContain(url);
});

test('a bucket filled from a folder is listed and copied out unchanged', async () => {
  expect(await place.ran('bucket', 'put', 'texts', 'texts')).toMatchObject({ status: 0 });
  expect((await place.ran('bucket', 'list')).stdout.split('\n')).toContain('texts');
  expect((await place.ran('bucket', 'list', 'texts')).stdout).toMatch(/^ +3 {2}\S+Z {2}a\n +3 {2}\S+Z {2}in\/b\n$/);
  expect(await place.ran('bucket', 'get', 'texts', 'copy')).toMatchObject({ status: 0 });
  expect([place.read('copy/a'), place.read('copy/in/b')]).toEqual(['one', 'two']);
  const unknown = await place.ran('bucket', 'get', 'txets', 'copy');
  expect(unknown).toMatchObject({ status: 1, stderr: expect.stringContaining('no such bucket: "txets"') });
});

test('a batch over no objects completes, and says that it found none', async () => {
  const nothing = document
    .replace('copies', 'nothing')
    .replace('stream', 'batch')
    .replace('s3a://texts', 's3a://texts/*/z*');
  place.write('nothing.yaml', nothing);
  expect(await place.ran('submit', 'nothing.yaml', '--wait')).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('default/nothing: Completed: list: no new objects found at s3a://texts/*/z*'),
  });
  expect((await place.ran('status', 'nothing')).stdout).toContain('NoObjects');
});

test('a killed stack restarts at once at the same addresses, and its flows continue', async () => {
  expect(await place.ran('submit', 'copies.yaml')).toMatchObject({ status: 0 });
  expect(await results(2)).toEqual(['a', 'in/b']);
  const before = await stack();
  process.kill(before.pid, 'SIGKILL');
  await waitFor('nobody serves the folder', async () => (await findStack(place.folder)) === undefined);
  writeFileSync(path.join(place.folder, 'texts/c'), 'three');
  const { pid: _, ...addresses } = before;
  expect(await place.ran('up', '--detach')).toMatchObject({ status: 0 });
  expect(await stack()).toMatchObject(addresses);
  await place.ran('bucket', 'put', 'texts', 'texts');
  expect(await results(3)).toEqual(['a', 'c', 'in/b']);
});

test('a killed controller restarts without affecting replicas', async () => {
  const { url } = await stack();
  const replicas = async () => {
    const status = (await (await fetch(`${url}/kflows/v1/default/copies`)).json()) as {
      functions: { restarts: number }[];
    };
    return status.functions.map(({ restarts }) => restarts);
  };
  const restarts = await replicas();
  const pid = Number(place.read('.kflow/stack.data/controller/pid'));
  process.kill(pid, 'SIGKILL');
  await waitFor('the controller responds again', () =>
    place.read('.kflow/log/up.log').includes('controller responds again'),
  );
  expect(await replicas()).toEqual(restarts);
});

test('down stops everything that up started, and says when nothing runs', async () => {
  const pids = [(await stack()).pid, ...serverPids()];
  expect(pids.filter(isAlive)).toEqual(pids);
  expect(await place.ran('down')).toMatchObject({ status: 0 });
  await waitFor('the processes are gone', () => !pids.some(isAlive));
  expect(existsSync(path.join(place.folder, '.kflow/stack.json'))).toBe(false);
  expect(await place.ran('down')).toMatchObject({
    status: 0,
    stderr: expect.stringContaining('no stack is running here'),
  });
  expect(await place.ran('bucket', 'list')).toMatchObject({ status: 1, stderr: expect.stringContaining('kflow up') });
});

test.each([
  ['no installation key', undefined, 'the installation key is missing'],
  [
    'another installation key',
    newInstallationKey(),
    'not the installation key that the data of the stack was made with',
  ],
])('up does not start on data with %s, and makes no key in its place', async (_what, text, message) => {
  const file = path.join(place.folder, '.kflow/stack.data/installation.key');
  const key = readFileSync(file, 'utf8');
  rmSync(file);
  if (text !== undefined) writeFileSync(file, text);
  const { status, stderr } = await place.ran('up');
  expect(status).toBe(1);
  expect(stderr).toContain(message);
  expect(existsSync(file)).toBe(text !== undefined);
  writeFileSync(file, key, { mode: 0o600 });
});

test('a failed start is reported and leaves nothing running, and data is removed only on request', async () => {
  process.env.KFLOW_CONTROLLER_LOG_LEVEL = 'LOUD';
  const failing = await place.ran('up', '--detach').finally(() => delete process.env.KFLOW_CONTROLLER_LOG_LEVEL);
  expect(failing).toMatchObject({ status: 3 });
  expect(failing.stderr).toMatch(/^kflow: controller exited 3 times .*\(exit 78\); the end of .*controller\.log:$/m);
  expect(failing.stderr).toContain('KFLOW_CONTROLLER_LOG_LEVEL: expected one of DEBUG, INFO');
  await waitFor('the servers are gone', () => !serverPids().some(isAlive));
  expect(await place.ran('down', '--remove-data')).toMatchObject({
    status: 64,
    stderr: expect.stringContaining('add --yes'),
  });
  expect(await place.ran('down', '--remove-data', '--yes')).toMatchObject({ status: 0 });
  expect(readdirSync(path.join(place.folder, '.kflow'))).toEqual([]);
});
