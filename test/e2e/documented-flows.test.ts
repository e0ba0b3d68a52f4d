import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import YAML from 'yaml';
import type { FlowStatus } from '../../runtime/api-contract/flow-status';
import { LifePlace } from '../support/life-place';
import { waitFor } from '../support/wait-for';

/** The topologies and requests of the specification's documents, unchanged. */
let life: LifePlace;

beforeAll(async () => {
  life = await LifePlace.up();
});

afterAll(async () => {
  await life?.close();
});

/** Topologies of the documents, with the modules beside them, as the CLI sends them. */
const topologies = path.join(__dirname, '../fixtures/topologies');
const readTopology = (name: string) =>
  readFileSync(path.join(topologies, name), 'utf8').replace(/module: (functions\/\w+\.py)/, (_, file: string) => {
    return `code: ${JSON.stringify(readFileSync(path.join(topologies, file), 'utf8'))}`;
  });

/** Takes a topology as YAML, force=true it away, and runs it from its JSON until every function had something to do. */
async function runDocument(name: string): Promise<void> {
  const text = readTopology(name);
  const json = YAML.parse(text, { merge: true });
  const flow = `${json.namespace ?? path.parse(name).name}/${json.jobId ?? path.parse(name).name}`;
  const taken = await life.stack.call('POST', `/kflows/v1/${flow}`, text);
  expect({ name, ...taken }).toMatchObject({ status: 201, body: { status: 'Running' } });
  await remove(flow);
  expect(await life.stack.call('POST', `/kflows/v1/${flow}`, json)).toMatchObject({ status: 201 });
  if (json.globalConfig?.devStore?.enabled === true) await step(flow);
  else await life.stack.until(flow, 'to run', hasRun);
  await remove(flow);
}

function hasRun(status: FlowStatus): boolean {
  // An image that does not run here has no side output.
  const busy = status.functions.filter((fn) => !fn.isPaused && fn.function !== 'print-sideout');
  const isBusy = busy.every((fn) => (fn.in ?? fn.out ?? 0) > 0);
  return status.status === 'Completed' || (LifePlace.isCalm(status) && isBusy);
}

/** The documented request of DevMode: the function runs on what the source would emit for an object. */
async function step(flow: string): Promise<void> {
  const [namespace, jobId] = flow.split('/');
  const request = { cursor: 'dir/subdir/one', execFnId: 'map', simFnId: 'list-s3-bucket', namespace, jobId };
  const stepped = () => life.stack.call('POST', '/kflows/devstore/v1', request);
  const isOver = ({ body }: { readonly body: unknown }) => (body as { readonly state?: string }).state !== 'waiting';
  const { status, body } = await waitFor('the step', stepped, isOver);
  expect({ status, body }).toMatchObject({
    status: 200,
    body: { state: 'done', outputs: [{ key: 'dir/subdir/one' }] },
  });
}

async function remove(flow: string): Promise<void> {
  const answer = await life.stack.call('DELETE', `/kflows/v1/${flow}/force=true`);
  expect({ flow, ...answer }).toEqual({ flow, status: 202, body: expect.anything() });
  await life.stack.until(flow, 'to be gone', ({ status }) => status === 'Terminated');
}

test('every topology of the documents that one machine can run is accepted as YAML and as JSON, and runs', async () => {
  for (const bucket of ['sas', 'docs']) await life.stack.put(bucket, ['dir/subdir/one', 'dir/subdir/two']);
  const names = readdirSync(topologies).filter((name) => /\.(yaml|json)$/.test(name));
  const linted = await Promise.all(names.map((name) => life.place.ran('lint', path.join(topologies, name))));
  // a search server starts slowly; bulk-sinks.test.ts submits flows that need one
  const searches = new Set(names.filter((name) => readTopology(name).includes('elastic-sink')));
  const runnable = names.filter(
    (name, index) => !searches.has(name) && !/cannot run/.test(`${linted[index]?.stdout}${linted[index]?.stderr}`),
  );
  expect(runnable.length).toBeGreaterThan(8);
  await Promise.all(runnable.map(runDocument));
  for (const name of names.filter((each) => !runnable.includes(each) && !searches.has(each))) {
    const { status, body } = await life.stack.call(
      'POST',
      `/kflows/v1/demo/${path.parse(name).name}`,
      readTopology(name).replace(/^jobId:.*|^namespace:.*/gm, ''),
    );
    expect({ name, status, body }).toMatchObject({ status: 422, body: { code: 'not-run-yet' } });
  }
});

test('the documented requests: stop=true, the same POST again, and an update by its payload', async () => {
  await life.stack.put('sas', ['dir/subdir/one', 'dir/subdir/two']);
  const document = YAML.parse(readTopology('message-store.yaml'));
  expect(await life.stack.call('POST', '/kflows/v1/jobx/jobx', document)).toMatchObject({ status: 201 });
  await life.stack.until('jobx/jobx', 'calm', LifePlace.isCalm);
  expect(await life.stack.call('DELETE', '/kflows/v1/jobx/jobx/stop=true')).toMatchObject({ status: 202 });
  await life.stack.until('jobx/jobx', 'stopped', ({ status }) => status === 'Stopped');
  const list = () => life.stack.call('GET', '/kflows/v1/jobx?id=jobx').then(({ body }) => body as { status: string }[]);
  const stopped = await waitFor('the list to have the end', list, ([flow]) => flow?.status === 'Stopped');
  expect(stopped).toMatchObject([
    {
      closeTime: expect.any(String),
      devInsOuts: [],
      execution: { workflow_id: 'jobx', run_id: expect.any(String) },
      startTime: expect.any(String),
      status: 'Stopped',
      type: { name: 'KFlowDSL' },
    },
  ]);
  expect(await life.stack.call('POST', '/kflows/v1/jobx/jobx', document)).toMatchObject({ status: 201 });
  await life.stack.until('jobx/jobx', 'calm', LifePlace.isCalm);
  await remove('jobx/jobx');
  const payload = readTopology('update.yaml');
  const before = payload.replace('parallelism: 5', 'parallelism: 1').replace('updatePolicy: DropOffset', '');
  expect(await life.stack.call('POST', '/kflows/v1/jobx/jobx', before)).toMatchObject({ status: 201 });
  expect(await life.stack.call('POST', '/kflows/update/v1', YAML.parse(payload))).toMatchObject({ status: 200 });
  await life.stack.until('jobx/jobx', 'to complete', ({ status }) => status === 'Completed');
  expect((await life.stack.call('GET', '/kflows/v1/jobx/jobx/history')).body).toMatchObject([
    { cause: 'submit' },
    { cause: 'update' },
  ]);
  const keys = (await life.stack.records<{ key: string }>('out')).map(({ key }) => key);
  expect([...new Set(keys)].sort()).toEqual(['dir/subdir/one', 'dir/subdir/two']);
});
