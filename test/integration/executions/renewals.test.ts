import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionKey } from '../../../runtime/api-contract/execution-key';
import { chainTopology } from '../../support/chain-topology';
import { waitFor } from '../../support/wait-for';
import { ExecutionPlace } from './execution-place';

/** Steps one after the other, whose worker does not go on: a long history. */
const steps = 12;
const chain = Array.from({ length: steps }, () => 'k:pass').join(' → ');

let place: ExecutionPlace;
let server: Server;
let url: string;
/** Paths that were requested, and what ends the request `/slow`. */
const requested: (string | undefined)[] = [];
let release: () => void = () => undefined;

beforeAll(async () => {
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  server = createServer(async (request, response) => {
    requested.push(request.url);
    if (request.url === '/slow') await held;
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  place = await ExecutionPlace.open('renewals', { historyLength: 30 });
  await place.worker({ pass: ({ input }) => input }, 'k');
});

afterAll(async () => {
  server?.close();
  await place?.close();
});

const runsOf = async ({ execution }: ExecutionKey) => (await place.controller.histories(`/${execution}`)).length;

const chainDone = (execution: ExecutionKey) =>
  place.until(
    execution,
    ({ steps: all }) => all.filter(({ task, status }) => task === 'k:pass' && status === 'succeeded').length === steps,
  );

test('a flow runs once, and its outcome arrives, when the workflow continues in new runs meanwhile', async () => {
  const flow = { namespace: 'renewals', jobId: 'long' };
  const topology = JSON.stringify(JSON.stringify(chainTopology({ mode: 'batch' })));
  const { execution } = await place.start(`flow:run(- {jobId: long, topology: ${topology}} -); ${chain}`, { x: 1 });
  await waitFor('the workflow to be in a later run', async () => (await runsOf(execution)) > 1);
  await waitFor('the workloads', async () => (await place.controller.cluster.workloads(flow)).length > 0);
  for (const id of ['list', 'map', 'leaf']) place.controller.cluster.end(flow, id, 'succeeded');
  expect(await place.ended(execution)).toMatchObject({
    status: 'Completed',
    output: [{ jobId: 'long', status: 'Completed' }, { x: 1 }],
  });
  const { body: events } = await place.controller.call('GET', '/kflows/v1/renewals/long/events?kind=audit');
  expect(events).toHaveLength(1);
});

test('a request is sent once, and the workflow continues in a new run when it has ended', async () => {
  const { execution } = await place.start(
    `request:get(- url: '${url}/slow' -); ${chain} → request:get(- url: '${url}/fast' -)`,
  );
  await waitFor('the request', async () => requested.includes('/slow'));
  await chainDone(execution);
  release();
  expect(await place.ended(execution)).toMatchObject({ status: 'Completed' });
  expect(requested).toEqual(['/slow', '/fast']);
  await waitFor('the later run to be listed', async () => (await runsOf(execution)) > 1);
});
