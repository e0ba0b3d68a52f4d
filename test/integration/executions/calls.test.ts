import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chainTopology } from '../../support/chain-topology';
import { waitFor } from '../../support/wait-for';
import { ExecutionPlace } from './execution-place';

let place: ExecutionPlace;
let server: Server;
let url: string;
const received: { readonly method: string; readonly path: string; readonly body: string }[] = [];

beforeAll(async () => {
  place = await ExecutionPlace.open('calls');
  server = createServer(async (request, response) => {
    received.push({ method: request.method ?? '', path: request.url ?? '', body: await bodyOf(request) });
    const isMissing = request.url === '/missing';
    response.writeHead(isMissing ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(isMissing ? { no: 1 } : { path: request.url }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server?.close();
  await place?.close();
});

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}

test('request:* sends the input, with templates filled in, and passes status and response on', async () => {
  const detail = await place.run(`request:post(- url: '${url}/{input[id]}' -)`, { id: 'x7' });
  expect(detail).toMatchObject({ status: 'Completed', output: { request_status: 200, response: { path: '/x7' } } });
  expect(received.at(-1)).toEqual({ method: 'POST', path: '/x7', body: '{"id":"x7"}' });
});

test('a status other than 2xx fails the step, unless error_on_status says otherwise', async () => {
  const failed = await place.run(`request:get(- url: '${url}/missing' -)`);
  expect(failed).toMatchObject({ status: 'Failed', error: { code: 'request-failed', details: { status: 404 } } });
  const passed = await place.run(`request:get(- {url: '${url}/missing', error_on_status: false} -)`);
  expect(passed).toMatchObject({ status: 'Completed', output: { request_status: 404, response: { no: 1 } } });
});

test('a resource that is not loaded or stored fails the step', async () => {
  for (const flow of [
    `<${url}/missing> → request:post(- url: '${url}/x' -)`,
    `request:post(- url: '${url}/x' -) → <${url}/missing>`,
  ]) {
    const failed = await place.run(flow);
    const details = { uri: `${url}/missing`, status: 404 };
    expect(failed).toMatchObject({ status: 'Failed', error: { code: 'request-failed', details } });
  }
  const unknown = await place.run('<http://no-such-host.invalid/x> → A');
  const details = { uri: 'http://no-such-host.invalid/x' };
  expect(unknown).toMatchObject({ status: 'Failed', error: { code: 'request-failed', details } });
});

test('a link-local address, where machines keep credentials, is refused', async () => {
  const detail = await place.run("request:get(- url: 'http://169.254.169.254/latest' -)");
  expect(detail).toMatchObject({ status: 'Failed', error: { message: expect.stringContaining('link-local') } });
});

test('flow:run runs a topology, and its outcome is that of the step', async () => {
  const flow = (jobId: string) => {
    const topology = JSON.stringify(JSON.stringify({ ...chainTopology({ mode: 'batch' }) }));
    return `flow:run(- {jobId: ${jobId}, topology: ${topology}} -)`;
  };
  for (const [jobId, outcome, status] of [
    ['good', 'succeeded', 'Completed'],
    ['bad', 'failed', 'Failed'],
  ] as const) {
    const { execution } = await place.start(flow(jobId));
    const key = { namespace: 'calls', jobId };
    await waitFor('the workloads of the flow', async () => (await place.controller.cluster.workloads(key)).length > 0);
    for (const id of ['list', 'map', 'leaf']) place.controller.cluster.end(key, id, outcome);
    expect(await place.ended(execution)).toMatchObject({ status });
  }
});
