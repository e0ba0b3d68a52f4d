import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resultSubject } from '../../../lib/plan/task-names';
import type { ExecutionKey } from '../../../runtime/api-contract/execution-key';
import { chainTopology } from '../../support/chain-topology';
import { waitFor } from '../../support/wait-for';
import { ExecutionPlace } from './execution-place';

let place: ExecutionPlace;
let server: Server;
let url: string;
const received: { readonly method: string; readonly path: string; readonly body: string }[] = [];
/** Requests of steps that their callee ends. */
const opened: { readonly query: URLSearchParams; readonly headers: IncomingMessage['headers'] }[] = [];
/** What the callee does before it responds to such a request. */
let beforeResponse: (token: string) => Promise<unknown> = async () => undefined;

beforeAll(async () => {
  server = createServer(async (request, response) => {
    if (request.url?.startsWith('/open') === true) {
      const { searchParams: query } = new URL(request.url, url);
      await beforeResponse(query.get('kflow-token') ?? '');
      opened.push({ query, headers: request.headers });
      response.writeHead(query.has('refused') ? 503 : 202).end();
      return;
    }
    received.push({ method: request.method ?? '', path: request.url ?? '', body: await bodyOf(request) });
    const isMissing = request.url === '/missing';
    response.writeHead(isMissing ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(isMissing ? { no: 1 } : { path: request.url }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  place = await ExecutionPlace.open('calls', { addresses: `shop=${url}/shop, test/shop=${url}/test/` });
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

test('a category names a service that the settings have the address of, in an environment', async () => {
  const get = (options: string, input = {}) => place.run(`request:get(- {category: shop, ${options}} -)`, input);
  const output = (path: string) => ({ output: { response: { path } } });
  expect(await get('url: /orders/7')).toMatchObject(output('/shop/orders/7'));
  const input = { at: 'test', id: 8 };
  expect(await get("url: 'orders/{input[id]}', environ: '{input[at]}'", input)).toMatchObject(output('/test/orders/8'));
  const unknown = await get('url: x, environ: live');
  expect(unknown).toMatchObject({ status: 'Failed', error: { message: expect.stringContaining('live/shop') } });
  const outside = await get("url: '{input[path]}'", { path: '../test/x' });
  expect(outside).toMatchObject({ status: 'Failed', error: { message: expect.stringContaining('not a path below') } });
});

test('a status other than 2xx fails the step, unless error_on_status says otherwise', async () => {
  const failed = await place.run(`request:get(- url: '${url}/missing' -)`);
  expect(failed).toMatchObject({ status: 'Failed', error: { code: 'request-failed', details: { status: 404 } } });
  const passed = await place.run(`request:get(- {url: '${url}/missing', error_on_status: false} -)`);
  expect(passed).toMatchObject({ status: 'Completed', output: { request_status: 404, response: { no: 1 } } });
});

describe('sync: false', () => {
  const report = (body: object) => place.controller.call('POST', '/executions/results/v1/calls', body);

  /** The request of such a step; with a token, of an attempt that has another one. */
  function openedBy({ execution }: ExecutionKey, before = '') {
    return waitFor('the request', () =>
      opened.find(({ query, headers }) => {
        const [workflow, token] = ['kflow-workflow', 'kflow-token'].map((name) => query.get(name) ?? headers[name]);
        return workflow === execution && token !== before;
      }),
    );
  }

  /** Starts a step that its callee ends, and returns its token. */
  async function begun(flow = `request:post(- {url: '${url}/open?id=7', sync: false} -)`) {
    const { execution } = await place.start(flow);
    const { query } = await openedBy(execution);
    return { execution, query, token: query.get('kflow-token') ?? '' };
  }

  test('the step stays open until the callee reports its end, with what the query has', async () => {
    const { execution, query, token } = await begun();
    expect(Object.fromEntries(query)).toEqual({
      id: '7',
      'kflow-namespace': 'calls',
      'kflow-workflow': execution.execution,
      'kflow-index': '1',
      'kflow-name': 'request:post',
      'kflow-base': 'request:post',
      'kflow-token': token,
    });
    const open = await place.until(execution, ({ steps }) => steps[0]?.waits !== undefined);
    expect(open).toMatchObject({ status: 'Running', steps: [{ waits: { for: 'report' } }] });
    expect(await report({ token, output: { done: 7 } })).toEqual({ status: 200, body: { status: 'ended' } });
    expect(await place.ended(execution)).toMatchObject({ status: 'Completed', output: { done: 7 } });
    expect(await report({ token })).toMatchObject({ status: 409, body: { code: 'state-invalid' } });
  });

  test('a report without the token of a task of the namespace is refused', async () => {
    const { execution, token } = await begun();
    expect(await report({ token: 'x' })).toMatchObject({ status: 401, body: { code: 'access-denied' } });
    const elsewhere = await place.controller.call('POST', '/executions/results/v1/other', { token });
    expect(elsewhere).toMatchObject({ status: 401 });
    await place.service.cancel(execution, { graceSeconds: 0 }, { by: 'tester' });
    expect(await place.ended(execution)).toMatchObject({ status: 'Stopped' });
    expect(await report({ token })).toMatchObject({ status: 409 });
  });

  test('a reported failure is one of the attempt, and the next attempt has another token', async () => {
    const policy = 'with (- retry: {attempts: 2, backoff: 1ms} -)';
    const { execution, token } = await begun(`request:post(- {url: '${url}/open', sync: false} -) ${policy}`);
    expect(await report({ token, error: { code: 'busy', message: 'later' } })).toMatchObject({ status: 200 });
    const { query } = await openedBy(execution, token);
    expect(await report({ token })).toMatchObject({ status: 409 });
    await report({ token: query.get('kflow-token'), output: [1] });
    expect(await place.ended(execution)).toMatchObject({ output: [1], steps: [{ attempts: 2 }] });
  });

  test('headers have it instead of the query, where use_context_parameters is false', async () => {
    const options = `url: '${url}/open?id=7', sync: false, use_context_parameters: false`;
    const { execution } = await place.start(`request:get(- {${options}} -)`);
    const { query, headers } = await openedBy(execution);
    expect(Object.fromEntries(query)).toEqual({ id: '7' });
    expect(headers).toMatchObject({ 'kflow-workflow': execution.execution, 'kflow-index': '1' });
    expect(await report({ token: headers['kflow-token'] })).toMatchObject({ status: 200 });
    expect(await place.ended(execution)).toMatchObject({ status: 'Completed' });
  });

  test('a callee may report before it responds, and a large output', async () => {
    const output = { text: 'x'.repeat(100_000) };
    beforeResponse = (token) => report({ token, output });
    const detail = await place.run(`request:post(- {url: '${url}/open', sync: false} -)`);
    beforeResponse = async () => undefined;
    expect(detail).toMatchObject({ status: 'Completed', output });
  });

  test('a step is open as long as it takes: over a restart of the controller, and until its timeout', async () => {
    const { execution, token } = await begun();
    await place.until(execution, ({ steps }) => steps[0]?.waits !== undefined);
    await place.controller.restart();
    expect(await report({ token, output: 1 })).toMatchObject({ status: 200 });
    expect(await place.ended(execution)).toMatchObject({ status: 'Completed', output: 1 });
    const timed = await begun(`request:post(- {url: '${url}/open', sync: false} -) with (- timeout: {total: 2s} -)`);
    expect(await place.ended(timed.execution)).toMatchObject({ status: 'Failed', error: { code: 'total-timeout' } });
  });

  test('a result message ends it, too', async () => {
    const { execution, token } = await begun();
    const result = { v: 1, id: 'any', token, at: new Date().toISOString(), worker: 'w', kind: 'succeeded', output: 2 };
    const connection = await place.controller.connect('calls');
    await connection.jetstream().publish(resultSubject('calls', execution.execution), JSON.stringify(result));
    expect(await place.ended(execution)).toMatchObject({ status: 'Completed', output: 2 });
    await connection.close();
  });

  test('only a response with 2xx leaves the step open, and no message shows the token', async () => {
    const failed = await place.run(`request:post(- {url: '${url}/open?refused', sync: false} -)`);
    expect(failed).toMatchObject({ status: 'Failed', error: { code: 'request-failed', details: { status: 503 } } });
    const passed = await place.run(
      `request:post(- {url: '${url}/open?refused', sync: false, error_on_status: false} -)`,
    );
    expect(passed).toMatchObject({ status: 'Completed', output: { request_status: 503 } });
    const token = (await openedBy(failed)).query.get('kflow-token');
    expect(JSON.stringify(failed)).not.toContain(token);
  });
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
