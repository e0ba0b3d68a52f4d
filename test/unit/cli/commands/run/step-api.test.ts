import { startStepApi } from '../../../../../runtime/cli/commands/run/step-api';
import { describeFolders } from '../../../../../runtime/cli/commands/run/step-feed';
import type { RunningApi } from '../../../../../runtime/controller/api/api-server';
import { StepDesk } from '../../../../../runtime/steps/step-desk';
import { MemoryStepStores } from '../../../../support/memory-steps';
import { planOf } from '../../../plan/planned';

const plan = planOf(`
namespace: jobx
jobId: jobx
globalConfig: { devStore: { enabled: true, addr: "s3:1", topics: steps, user: u, password: p } }
dag:
  - id: numbers
    type: raw-source
    schema: { type: record, name: n, fields: [{ name: n, type: long }] }
    meta: { name: f, code: "def f(ctx): return None" }
    out: [map]
  - { id: map, type: raw }
`);
const stores = new MemoryStepStores();
const desk = new StepDesk({ plan, open: stores.open(plan).of, waitMs: 0 });
let api: RunningApi;
beforeAll(async () => {
  api = await startStepApi(plan, desk);
});
afterAll(() => api.close());

async function simulate(jobId: string) {
  const body = { cursor: 'testfile.csv', execFnId: 'map', simFnId: 'numbers', namespace: 'jobx', jobId };
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${api.url}/kflows/devstore/v1`, { method: 'POST', headers, body: JSON.stringify(body) });
  return [answer.status, await answer.json()];
}

test("a run answers the documents' request for its own flow, and no other", async () => {
  await stores.store.put('steps', 'kflow-dev/jobx/jobx/map/in/testfile.csv', Buffer.from('{"n": 1}'));
  expect(await simulate('jobx')).toMatchObject([200, { function: 'map', name: 'testfile.csv', state: 'waiting' }]);
  expect(await simulate('other')).toMatchObject([404, { code: 'flow-missing' }]);
});

test('a run serves no other request', async () => {
  expect((await fetch(`${api.url}/kflows/v1/jobx/jobx/steps`)).status).toBe(200);
  expect((await fetch(`${api.url}/kflows/v1/jobx/jobx`)).status).toBe(404);
});

test('a run tells where to put objects', () => {
  const lines = describeFolders(plan, desk.folders(), { addr: 'http://s3:1', credentials: 'file', api: 'http://api' });
  expect(lines).toContain('store         http://s3:1 (user and password in file)');
  expect(lines).toContain('  map  s3a://steps/kflow-dev/jobx/jobx/map/in/');
  expect(lines.join('\n')).toContain('http://api/kflows/devstore/v1');
});
