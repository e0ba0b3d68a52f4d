import { createServer } from 'node:net';
import type { ApiProblem } from '../../../../../runtime/api-contract/problem';
import { type RunningApi, startApi } from '../../../../../runtime/controller/api/api-server';
import { MemoryFlows } from '../../../../support/memory-flows';
import { waitFor } from '../../../../support/wait-for';
import { document, flow, flowPath, open } from '../support';

let flows: MemoryFlows;
let api: RunningApi;
const lines: string[] = [];
beforeEach(async () => {
  flows = new MemoryFlows();
  await flows.submit(flow, document, { by: 'the test' });
  const log = (level: string, text: string) => void lines.push(`${level} ${text}`);
  api = await startApi({ service: flows, access: open, log, keepAliveMs: 20, host: '127.0.0.1', port: 0 });
});
afterEach(() => api.close());

/** What a client has received of a response so far. */
class Received {
  text = '';
  isEnded = false;
  private readonly gone = new AbortController();

  static async from(
    path: string,
    headers: { [name: string]: string } = {},
  ): Promise<Received & { type: string | null }> {
    const received = new Received();
    const response = await fetch(`${api.url}${path}`, { headers, signal: received.gone.signal });
    void received.read(response);
    return Object.assign(received, { type: response.headers.get('content-type') });
  }

  async until(text: string): Promise<void> {
    await waitFor(`the text ${text}`, () => this.text.includes(text));
  }

  hangUp(): void {
    this.gone.abort();
  }

  private async read({ body }: Response): Promise<void> {
    try {
      const decoder = new TextDecoder();
      for await (const chunk of body ?? []) this.text += decoder.decode(chunk as Uint8Array, { stream: true });
    } catch (error) {
      this.text += `[${(error as Error).name}]`;
    }
    this.isEnded = true;
  }
}

const problemOf = async (response: Response) => (await response.json()) as ApiProblem;

const eventStream = { accept: 'text/event-stream' };

test.each([
  ['the Accept header', flowPath, eventStream],
  ['the path', `${flowPath}/watch`, {}],
])(
  'streams the status, as %s requests it, with comments in between, until the flow is closed',
  async (_, path, headers) => {
    const received = await Received.from(path, headers);
    expect(received.type).toBe('text/event-stream');
    await received.until('"status":"Running"');
    expect(received.text).toMatch(/^retry: \d+\n\nevent: status\ndata: \{.*\}\n\n/);
    await received.until(': keep-alive\n\n');
    flows.enter(flow, 'Paused');
    await received.until('"status":"Paused"');
    flows.enter(flow, 'Stopped');
    await waitFor('the end of the stream', () => received.isEnded);
    expect(received.text).toContain('"status":"Stopped"');
    expect(received.text).not.toContain('Error');
  },
);

test('sends a problem rather than a stream for a flow that does not exist', async () => {
  const response = await fetch(`${api.url}/kflows/v1/jobx/none/watch`);
  expect([response.status, response.headers.get('content-type')]).toEqual([
    404,
    expect.stringContaining('application/problem+json'),
  ]);
});

test('stops following once the client has disconnected', async () => {
  const received = await Received.from(`${flowPath}/watch`);
  await received.until('"status":"Running"');
  await waitFor('a follower', () => flows.following === 1);
  received.hangUp();
  await waitFor('no follower', () => flows.following === 0);
});

test('ends streams properly when the API closes', async () => {
  const received = await Received.from(`${flowPath}/watch`);
  await received.until('"status":"Running"');
  await api.close();
  await waitFor('the end of the stream', () => received.isEnded);
  expect(received.text).not.toContain('Error');
});

test('resets a log that is followed when the API closes, because its end would mean that the replicas are gone', async () => {
  const received = await Received.from(`${flowPath}/logs?follow=true`);
  flows.write({ function: 'p', replica: 'p-0', line: 'one' });
  await received.until('"one"}\n');
  await api.close();
  await waitFor('the end of the stream', () => received.isEnded);
  expect(received.text).toContain('[TypeError]');
});

test('while it drains, it accepts connections and ends each with its response', async () => {
  const connectionOf = async () => (await fetch(`${api.url}/healthz`)).headers.get('connection');
  expect(await connectionOf()).toBe('keep-alive');
  api.drain();
  expect(await connectionOf()).toBe('close');
  expect(await connectionOf()).toBe('close');
});

test('accepts no connections while it closes, but still responds to pending requests', async () => {
  let letGo: () => void = () => undefined;
  flows.statusAfter = new Promise((resolve) => {
    letGo = resolve;
  });
  const held = fetch(`${api.url}${flowPath}`);
  await waitFor('the first read', () => flows.reads === 1);
  const closed = api.close();
  await expect(fetch(`${api.url}/healthz`)).rejects.toThrow('fetch failed');
  letGo();
  expect((await held).status).toBe(200);
  await closed;
  const logged = lines.findLast((line) => line.includes(`GET ${flowPath} `));
  expect(logged).toMatch(/^DEBUG GET \/kflows\/v1\/jobx\/jobx by anonymous: 200 in \d+ ms$/);
});

test('streams past events, then new ones, each once, and resumes after Last-Event-ID', async () => {
  const received = await Received.from(`${flowPath}/events`, eventStream);
  await received.until('id: e0\nevent: phase\n');
  flows.enter(flow, 'Paused');
  await received.until('id: e1\n');
  expect(received.text.match(/^id: /gm)).toHaveLength(2);
  const again = await Received.from('/kflows/events/v1?namespace=jobx', { ...eventStream, 'last-event-id': 'e0' });
  await again.until('id: e1\n');
  expect(again.text).not.toContain('id: e0\n');
  for (const each of [received, again]) each.hangUp();
});

test('streams an event once that happens between the start of following and the read of past events', async () => {
  const readEvents = flows.events.bind(flows);
  flows.events = (...query) => {
    flows.enter(flow, 'Paused');
    return readEvents(...query);
  };
  const received = await Received.from('/kflows/events/v1', eventStream);
  await received.until('id: e1\n');
  flows.enter(flow, 'Running');
  await received.until('id: e2\n');
  expect(received.text.match(/^id: .*$/gm)).toEqual(['id: e0', 'id: e1', 'id: e2']);
  received.hangUp();
});

test('sends log lines as JSON objects, or as text with the replica in front', async () => {
  flows.write({ function: 'p', replica: 'p-0', line: 'one' });
  flows.write({ function: 'print0', replica: 'print0-0', line: 'two' });
  const asLines = await fetch(`${api.url}${flowPath}/logs`);
  expect(asLines.headers.get('content-type')).toContain('application/x-ndjson');
  const objects = (await asLines.text())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(objects).toEqual(flows.lines);
  const asText = await fetch(`${api.url}${flowPath}/logs?function=print0`, { headers: { accept: 'text/plain' } });
  expect(await asText.text()).toBe('print0-0  two\n');
});

test('following a log, sends the headers before the first line and sends each line as it is written', async () => {
  const received = await Received.from(`${flowPath}/logs?follow=true`);
  expect(received.text).toBe('');
  flows.write({ function: 'p', replica: 'p-0', line: 'one' });
  await received.until('"one"}\n');
  received.hangUp();
  await waitFor('no follower', () => flows.following === 0);
});

test('following a silent log, sends empty lines', async () => {
  const received = await Received.from(`${flowPath}/logs?follow=true`);
  await received.until('\n\n');
  flows.write({ function: 'p', replica: 'p-0', line: 'one' });
  await received.until('"one"}\n');
  received.hangUp();
  await waitFor('no follower', () => flows.following === 0);
});

test('sends a problem for events of an unknown flow and for logs of an unknown function', async () => {
  const missing = await fetch(`${api.url}/kflows/v1/jobx/none/events`);
  expect([missing.status, (await problemOf(missing)).code]).toEqual([404, 'flow-missing']);
  const unknown = await fetch(`${api.url}${flowPath}/logs?function=prnt0`);
  expect([unknown.status, (await problemOf(unknown)).detail]).toEqual([
    400,
    'no function has the id "prnt0"; the flow has numbers, print0',
  ]);
});

test('rejects a body above 32 MiB with 413, and reads one just below', async () => {
  const submit = (body: string) => fetch(`${api.url}${flowPath}`, { method: 'POST', body });
  const comment = (bytes: number) => `# ${'x'.repeat(bytes)}\n${document}`;
  const large = await submit(comment(33 * 1024 * 1024));
  expect([large.status, (await problemOf(large)).code]).toEqual([413, 'payload-too-large']);
  const detail = expect.stringContaining('the document has 32506'); // the controller has read it
  expect(await problemOf(await submit(comment(31 * 1024 * 1024)))).toMatchObject({ detail });
});

test('limits the bodies of changes to 1 MiB', async () => {
  const body = JSON.stringify({ functions: ['x'.repeat(2 * 1024 * 1024)] });
  const response = await fetch(`${api.url}${flowPath}/pause`, { method: 'POST', body });
  expect([response.status, (await problemOf(response)).detail]).toEqual([
    413,
    'the body exceeds the limit of this route, 1 MiB',
  ]);
});

test('names the port that is already in use', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as { port: number };
  const starting = startApi({ service: flows, access: open, log: () => undefined, host: '127.0.0.1', port });
  await expect(starting).rejects.toMatchObject({
    code: 'config-invalid',
    message: `cannot listen on port ${port} of 127.0.0.1: the port is in use`,
  });
  await new Promise((resolve) => taken.close(resolve));
});
