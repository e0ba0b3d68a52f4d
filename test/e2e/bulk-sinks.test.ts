import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isAlive } from '../../runtime/adapters/processes/earlier-processes';
import { findStack } from '../../runtime/cli/local-stack/find-stack';
import { type SearchServerProcess, startSearchServer } from '../../runtime/servers/search-server';
import { JetStreamPlace } from '../integration/jetstream/jetstream-place';
import { closeAfterFile } from '../support/close-after-file';
import { freePort } from '../support/free-port';
import { type KflowCommand, Workplace } from '../support/kflow-cli';
import { serverFiles } from '../support/server-files';
import { waitFor } from '../support/wait-for';

/** Number of records of the flow, and how often each replica of a sink is killed: fewer times than a batch restarts it. */
const count = 6_000;
const kills = 3;

const bulk = (size: number) => `bulk: { enabled: true, flush: { size: ${size}, timer: 400 } }`;
const topology = (search: string, nats: string) => `
jobId: bulks
mode: batch
dag:
  - id: numbers
    type: raw-source
    schema: {type: record, name: number, fields: [{name: n, type: long}]}
    meta:
      language: javascript
      rate: 400
      name: numbers
      code: |
        function* numbers() { for (let n = 0; n < ${count}; n++) yield { n }; }
    out: [objects, index, publish]
  - id: objects
    type: s3-sink
    parallelism: 2
    topics: s3a://bulks/objects
    addr: s3:9000
    user: minioadmin
    password: minioadmin
    meta: { ${bulk(170)} }
  - { id: index, type: elastic-sink, parallelism: 2, addr: "${search}", topics: numbers, meta: { ${bulk(300)} } }
  - { id: publish, type: nats-sink, parallelism: 2, addr: "${nats}", topics: numbers.out, meta: { ${bulk(300)} } }
`;

const place = new Workplace();
let search: SearchServerProcess;
let nats: JetStreamPlace;
afterAll(() => place.remove());

async function startTargets(): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'kflow-bulks-'));
  search = await startSearchServer(serverFiles(folder, 'search'));
  closeAfterFile('OpenSearch', async () => {
    await search.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  nats = await JetStreamPlace.start();
  await nats.stream('numbers');
}

const numbers = Array.from({ length: count }, (_, n) => n);
const sorted = (found: readonly number[]) => [...found].sort((one, other) => one - other);

/** Kills the replica with SIGKILL as soon as it runs, and again when the next one runs in its place. */
async function killAgainAndAgain(run: KflowCommand, replica: string): Promise<void> {
  const pids = new Set<number>();
  const log = path.join(place.folder, `.kflow/bulks/logs/${replica}.log`);
  const newPid = () => {
    const found = [...readFileSync(log, 'utf8').matchAll(/started, process (\d+)/g)].map(([, pid]) => Number(pid));
    const last = found.at(-1);
    return last !== undefined && !pids.has(last) && isAlive(last) ? last : undefined;
  };
  await run.waitFor(/objects +in +[1-9]/);
  for (let kill = 0; kill < kills; kill++) {
    const pid = await waitFor(`${replica} to run`, newPid, (found) => found !== undefined);
    pids.add(Number(pid));
    // it has pulled records once the counts move
    const before = run.stderr.length;
    await waitFor(
      'the flow to move',
      () => run.stderr.length > before,
      (isMoved) => isMoved,
    );
    process.kill(Number(pid), 'SIGKILL');
  }
}

test('sinks that are killed during their bulks leave every record once: in the bucket, in the index and in the stream', async () => {
  await startTargets();
  place.write('bulks.yaml', topology(search.endpoint, nats.url));
  const run = place.kflow('run', 'bulks.yaml', '--save', 'bulks=saved');
  const replicas = ['objects', 'index', 'publish'].flatMap((id) => [`${id}-0`, `${id}-1`]);
  await Promise.all(replicas.map((replica) => killAgainAndAgain(run, replica)));
  const status = await run.exited;
  expect({ status, stderr: status === 0 ? '' : run.stderr }).toEqual({ status: 0, stderr: '' });
  expect(sorted(numbersInObjects())).toEqual(numbers);
  expect(sorted(await numbersInIndex(search.endpoint, 'numbers'))).toEqual(numbers);
  const published = await nats.payloads('numbers');
  expect(sorted(published.map((payload) => numberOf(Buffer.from(payload).toString())))).toEqual(numbers);
});

test('kflow up brings a search server for the first flow that needs one, and has it again when it is started again', async () => {
  const flow = (jobId: string) => `
jobId: ${jobId}
mode: batch
dag:
  - id: numbers
    type: raw-source
    schema: {type: record, name: number, fields: [{name: n, type: long}]}
    meta: { language: javascript, name: numbers, code: "function* numbers() { for (let n = 0; n < 250; n++) yield { n }; }" }
    out: [index]
  - { id: index, type: elastic-sink, addr: "search.example:9200", user: me, password: secret, topics: ${jobId} }
`;
  const searchOf = async () => String((await findStack(place.folder))?.search);
  const index = async (jobId: string) => {
    place.write(`${jobId}.yaml`, flow(jobId));
    const submitted = await place.ran('submit', `${jobId}.yaml`, '--wait', '--timeout', '300');
    expect(submitted).toMatchObject({ status: 0, stderr: expect.stringContaining('not to search.example:9200') });
    expect(submitted.stderr).toContain(await searchOf());
    expect(sorted(await numbersInIndex(await searchOf(), jobId))).toEqual(numbers.slice(0, 250));
  };
  try {
    expect((await place.ran('up', '--detach', '--port', String(await freePort()))).status).toBe(0);
    expect((await findStack(place.folder))?.search).toBeUndefined();
    await index('first');
    await place.ran('down');
    expect((await place.ran('up', '--detach', '--port', String(await freePort()))).status).toBe(0);
    expect(await numbersInIndex(await searchOf(), 'first')).toHaveLength(250);
    await index('second');
  } finally {
    await place.ran('down');
  }
});

test('a drain writes a bulk that would wait for an hour, and so does the end of a batch', async () => {
  const flow = (mode: string) => `
jobId: slow
mode: ${mode}
dag:
  - id: numbers
    type: raw-source
    schema: {type: record, name: number, fields: [{name: n, type: long}]}
    meta: { language: javascript, name: numbers, code: "function* numbers() { for (let n = 0; n < 250; n++) yield { n }; }" }
    out: [objects]
  - id: objects
    type: s3-sink
    format: avro
    topics: s3a://slow/objects
    addr: s3:9000
    user: minioadmin
    password: minioadmin
    meta: { bulk: { enabled: true, flush: { size: 100, timer: 3600000 } } }
`;
  const saved = () => readdirSync(path.join(place.folder, 'saved-slow/objects')).sort();
  place.write('slow.yaml', flow('stream'));
  const run = place.kflow('run', 'slow.yaml', '--save', 'slow=saved-slow');
  await run.waitFor(/objects +in +200 /);
  run.process.kill('SIGINT');
  expect({ status: await run.exited, stderr: run.stderr }).toEqual({
    status: 0,
    stderr: expect.not.stringContaining('not processed'),
  });
  expect(saved().map((name) => Number(/(\d+)\.avro$/.exec(name)?.[1]))).toEqual([1, 101, 201]);
  rmSync(path.join(place.folder, 'saved-slow'), { recursive: true });
  place.write('slow.yaml', flow('batch'));
  expect(await place.ran('run', 'slow.yaml', '--save', 'slow=saved-slow')).toMatchObject({ status: 0 });
  expect(saved()).toHaveLength(3);
});

function numberOf(text: string): number {
  return (JSON.parse(text) as { n: number }).n;
}

function numbersInObjects(): readonly number[] {
  const folder = path.join(place.folder, 'saved/objects');
  const files = readdirSync(folder);
  expect(files.length).toBeLessThan(count / 10);
  const linesOf = (file: string) => readFileSync(path.join(folder, file), 'utf8').trim().split('\n');
  return files.flatMap(linesOf).map(numberOf);
}

async function numbersInIndex(endpoint: string, index: string): Promise<readonly number[]> {
  const url = `${endpoint}/${index}`;
  await fetch(`${url}/_refresh`, { method: 'POST' });
  const body = JSON.stringify({ size: 10_000, query: { match_all: {} } });
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${url}/_search`, { method: 'POST', headers, body });
  const { hits } = (await response.json()) as { hits: { hits: { _source: { n: number } }[] } };
  return hits.hits.map(({ _source }) => _source.n);
}
