import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionKey } from '../../../runtime/api-contract/execution-key';
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

describe('flow:run', () => {
  const ids = ['list', 'map', 'leaf'];
  const workloads = (jobId: string) => place.controller.cluster.workloads({ namespace: 'calls', jobId });

  /** Starts an execution that runs a topology, and waits for its workloads. */
  async function runningFlow(jobId: string): Promise<ExecutionKey> {
    const topology = JSON.stringify(JSON.stringify({ ...chainTopology({ mode: 'batch' }) }));
    const { execution } = await place.start(`flow:run(- {jobId: ${jobId}, topology: ${topology}} -)`);
    await waitFor('the workloads of the flow', async () => (await workloads(jobId)).length > 0);
    return execution;
  }

  function end(jobId: string, outcome: 'succeeded' | 'failed'): void {
    for (const id of ids) place.controller.cluster.end({ namespace: 'calls', jobId }, id, outcome);
  }

  test.each([
    ['good', 'succeeded', 'Completed'],
    ['bad', 'failed', 'Failed'],
  ] as const)('runs a topology, and its outcome is that of the step: %s', async (jobId, outcome, status) => {
    const execution = await runningFlow(jobId);
    end(jobId, outcome);
    expect(await place.ended(execution)).toMatchObject({ status });
  });

  test('goes on when the controller is started again, and takes the outcome of its topology', async () => {
    const execution = await runningFlow('restarted');
    await place.controller.restart();
    await place.until(execution, ({ status }) => status === 'Running');
    expect(await place.controller.status('calls/restarted')).toMatchObject({ status: 'Running' });
    end('restarted', 'succeeded');
    expect(await place.ended(execution)).toMatchObject({ status: 'Completed' });
    const { body: events } = await place.controller.call('GET', '/kflows/v1/calls/restarted/events?kind=audit');
    expect(events).toHaveLength(1);
  });

  test.each(['cancel', 'terminate'] as const)('stops its topology at a %s', async (ending) => {
    const execution = await runningFlow(ending);
    if (ending === 'cancel') await place.service.cancel(execution, { graceSeconds: 0 }, { by: 'tester' });
    else await place.service.terminate(execution, { by: 'tester' });
    expect(await place.ended(execution)).toMatchObject({ status: 'Stopped' });
    await place.controller.until(`calls/${ending}`, ({ status }) => status === 'Stopped');
  });
});
