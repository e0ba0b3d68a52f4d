import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { Workplace } from '../support/kflow-cli';
import { RunningStack } from '../support/running-stack';
import { waitFor } from '../support/wait-for';

const run = promisify(execFile);

/** `hold` ends when a file exists, `flaky` fails until one exists; both name it in their input or parameters. */
const tasks = `import { existsSync } from 'node:fs';
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
export const A = async (_: unknown, input: object) => ({ ...input, a: 1 });
export const B = async (_: unknown, input: object) => ({ ...input, b: 2 });
export const hold = async (_: unknown, input: object, { gate }: { gate: string }) => {
  while (!existsSync(gate)) await sleep(20);
  return { ...input, held: true };
};
export const flaky = async (_: unknown, input: object, { gate }: { gate: string }) => {
  if (!existsSync(gate)) throw new Error('not yet');
  return { ...input, flaky: true };
};
`;

const worker = `worker: default
slots: 20
tasks:
  A: { language: typescript, module: tasks.ts }
  B: { language: typescript, module: tasks.ts }
  hold: { language: typescript, module: tasks.ts }
  flaky: { language: typescript, module: tasks.ts }
`;

let place: Workplace;
let stack: RunningStack;
let gates = 0;

beforeAll(async () => {
  place = new Workplace();
  stack = await RunningStack.up(place);
  place.write('tasks.ts', tasks);
  place.write('worker.yaml', worker);
  expect(await place.ran('submit', 'worker.yaml', '--wait')).toMatchObject({ status: 0 });
}, 180_000);

afterAll(async () => {
  await stack.close();
  await place.ran('down');
  place.remove();
});

/** A file that does not exist yet, as a parameter of tasks. */
function newGate(): { readonly name: string; readonly parameters: string; open(): void } {
  gates += 1;
  const name = `gate-${gates}`;
  const parameters = JSON.stringify({ gate: path.join(place.folder, name) });
  return { name, parameters, open: () => void place.write(name, '') };
}

async function get(url: string): Promise<{ readonly status: number; readonly body: never }> {
  const { status, body } = await stack.call('GET', url);
  return { status, body: body as never };
}

async function start(workflow: string, input?: unknown): Promise<string> {
  const { status, body } = await stack.call('POST', '/workflows/start', { workflow, input });
  expect([status, body]).toEqual([200, { status: 'Success', workflow: expect.any(String) }]);
  return (body as { workflow: string }).workflow;
}

interface State {
  readonly state: string;
  readonly S: readonly number[];
  readonly failures?: readonly number[];
  readonly output: readonly unknown[];
}

const stateOf = async (id: string): Promise<State> => (await get(`/workflows/${id}/state`)).body;

async function reach(id: string, state: string): Promise<State> {
  await waitFor(`${id} to be ${state}`, async () => (await stateOf(id)).state === state);
  return stateOf(id);
}

/** Runs a line of curl as a shell would, against this controller instead of theirs. */
async function curl(line: string): Promise<string> {
  const script = line
    .replaceAll('http://127.0.0.1:5000', stack.file.url)
    .replace(/^curl /, 'curl --silent --show-error ');
  return (await run('bash', ['-c', script])).stdout;
}

test('LF-22: a started execution has an id, is RUNNING, and is in progress', async () => {
  const gate = newGate();
  const id = await start(`hold(${gate.parameters}) → B`);
  expect((await stateOf(id)).state).toBe('RUNNING');
  await waitFor('the list', async () => ((await get('/inprogress')).body as string[]).includes(id));
  gate.open();
  await reach(id, 'FINISHED');
});

test('LF-23: an invalid task flow is refused with 400, and no execution is created', async () => {
  const before = (await get('/workflows?size=1000')).body as readonly unknown[];
  const { status, body } = await stack.call('POST', '/workflows/start', { workflow: 'A → → B' });
  expect([status, body]).toEqual([
    400,
    { status: 'Error', message: expect.stringMatching(/^Cannot compile workflow due to: .*:1:\d+/) },
  ]);
  expect((await get('/workflows?size=1000')).body).toHaveLength(before.length);
});

test('LF-24: after the last step an execution is FINISHED, is not in progress, and has one end', async () => {
  const id = await start('A → B', { x: 1 });
  const { output } = await reach(id, 'FINISHED');
  expect(output.at(-1)).toEqual({ x: 1, a: 1, b: 2 });
  await waitFor('the list', async () => !((await get('/inprogress')).body as string[]).includes(id));
  const { body } = await get(`/executions/v1/default/${id}/trace`);
  const ends = (body as { what: string; step?: string }[]).filter(
    ({ step, what }) => step === undefined && what === 'completed',
  );
  expect(ends).toHaveLength(1);
});

test('LF-25, LF-26: a failed execution keeps the results of its steps, and a restart runs only what has not succeeded', async () => {
  const gate = newGate();
  const id = await start(`A → flaky(${gate.parameters}) → B`, { x: 1 });
  const failed = await reach(id, 'FAILED');
  expect([failed.failures, failed.output[1]]).toEqual([[0, 0, 1, 0, 0], { x: 1, a: 1 }]);
  gate.open();
  const { status, body } = await stack.call('POST', `/workflows/${id}/restart`);
  expect([status, body]).toMatchObject([200, { status: 'Success' }]);
  const { output } = await reach(id, 'FINISHED');
  expect(output.at(-1)).toEqual({ x: 1, a: 1, flaky: true, b: 2 });
});

test('LF-27: a terminated execution ends with its running task, starts no successor, and does after a restart', async () => {
  const gate = newGate();
  const id = await start(`hold(${gate.parameters}) → B`);
  await waitFor('the task to run', async () => (await stateOf(id)).S[1] === 1);
  const { body } = await stack.call('POST', '/workflows/terminate', { workflow: id });
  expect(body).toMatchObject({ status: 'Success', message: expect.stringContaining('terminating') });
  expect((await stateOf(id)).state).toBe('TERMINATING');
  gate.open();
  expect((await reach(id, 'TERMINATED')).output[2]).toEqual({});
  expect((await stack.call('POST', `/workflows/${id}/restart`)).status).toBe(200);
  expect((await reach(id, 'FINISHED')).output[2]).toMatchObject({ b: 2 });
});

test('LF-28: a restart of a FINISHED execution is refused with 400 and its state', async () => {
  const id = await start('A');
  await reach(id, 'FINISHED');
  const { status, body } = await stack.call('POST', `/workflows/${id}/restart`);
  expect([status, body]).toEqual([400, { status: 'Error', message: expect.stringContaining('FINISHED') }]);
});

test('LF-29: an execution in progress is not deleted; when it has ended it is, and then is missing', async () => {
  const gate = newGate();
  const id = await start(`hold(${gate.parameters})`);
  expect((await stack.call('DELETE', `/workflows/${id}`)).status).toBe(400);
  gate.open();
  await reach(id, 'FINISHED');
  expect((await stack.call('DELETE', `/workflows/${id}`)).status).toBe(200);
  expect((await get(`/workflows/${id}`)).status).toBe(404);
});

test('LF-30: an archive restored under another id has the definition, the trace and the outputs, and can be restarted', async () => {
  const gate = newGate();
  const id = await start(`A → flaky(${gate.parameters}) → B`, { x: 1 });
  const before = await reach(id, 'FAILED');
  const { body: archive } = await get(`/workflows/${id}/archive`);
  const restored = await stack.call('POST', '/workflows/restore?workflow=restored', archive);
  expect([restored.status, restored.body]).toEqual([200, { status: 'Success', workflow: 'restored' }]);
  const after = await stateOf('restored');
  expect([after.state, after.output]).toEqual(['TERMINATED', before.output]);
  for (const part of ['', '/trace/S', '/trace/A']) {
    expect((await get(`/workflows/restored${part}`)).body).toEqual((await get(`/workflows/${id}${part}`)).body);
  }
  gate.open();
  expect((await stack.call('POST', '/workflows/restored/restart')).status).toBe(200);
  expect((await reach('restored', 'FINISHED')).output.at(-1)).toEqual({ x: 1, a: 1, flaky: true, b: 2 });
});

test('LF-38: an event that a step has processed has one receipt', async () => {
  const id = await start('wait:event(- {event: begun, match: input} -) → A', { id: 7 });
  await waitFor('the step to run', async () => (await stateOf(id)).S[1] === 1);
  expect((await place.ran('event', 'begun', '--data', '{"id": 8}')).status).toBe(0);
  expect((await place.ran('event', 'begun', '--data', '{"id": 7}', '--result', '{"done": true}')).status).toBe(0);
  expect((await reach(id, 'FINISHED')).output.at(-1)).toEqual({ id: 7, done: true, a: 1 });
  const { stdout } = await place.ran('receipts', 'begun', '--output', 'json');
  const events = JSON.parse(stdout) as { data: { id: number }; receipts: { execution: string }[] }[];
  const receiptsOf = (of: number) =>
    events.find(({ data }) => data.id === of)?.receipts.map(({ execution }) => execution);
  expect([receiptsOf(7), receiptsOf(8)]).toEqual([[id], []]);
});

test('LF-40: submit --wait exits with 0 for a completed execution, and with 1 for a failed or terminated one', async () => {
  const gate = newGate();
  place.write('good.flow', 'A → B\n');
  place.write('bad.flow', `flaky(${gate.parameters})\n`);
  place.write('long.flow', `hold(${gate.parameters})\n`);
  const good = await place.ran('submit', 'good.flow', '--input', '{"x": 1}', '--wait');
  expect([good.status, good.stdout.split('\n').join('')]).toEqual([0, '{  "x": 1,  "a": 1,  "b": 2}']);
  expect(await place.ran('submit', 'bad.flow', '--wait')).toMatchObject({ status: 1 });
  const long = place.kflow('submit', 'long.flow', '--id', 'long', '--wait');
  await waitFor('the execution', async () => (await get('/executions/v1/default/long')).status === 200);
  expect(await place.ran('executions', 'terminate', 'long')).toMatchObject({ status: 0 });
  expect(await long.exited).toBe(1);
  gate.open();
});

test('the lines of curl that users of workflows know list and start them', async () => {
  const listed = JSON.parse(await curl('curl http://127.0.0.1:5000/workflows/'));
  expect(listed[0]).toEqual({ id: expect.any(String), state: expect.any(String) });
  const started = await curl(`curl --request POST \\
  --url http://127.0.0.1:5000/workflows/start \\
  --header 'Accept: application/json' \\
  --header 'Content-Type: application/json' \\
  --data '{
  "workflow": "A → B"
}'`);
  const { workflow } = JSON.parse(started);
  await reach(workflow, 'FINISHED');
});

test('kflow inspect shows an execution by the id with its prefix, and kflow executions its trace and list', async () => {
  const id = await start('@flow myworkflow; A → B');
  expect(id).toMatch(/^myworkflow-[0-9a-f-]{36}$/);
  await reach(id, 'FINISHED');
  const shown = await place.ran('inspect', `workflow:${id}`);
  expect([shown.status, shown.stdout]).toEqual([0, expect.stringMatching(/1 +A +succeeded/)]);
  expect((await place.ran('executions', 'trace', id)).stdout).toMatch(/1 +A +succeeded/);
  await waitFor('the list', async () =>
    (await place.ran('executions', 'list', '--name', 'myworkflow')).stdout.includes('Completed'),
  );
  expect((await place.ran('workers')).stdout).toMatch(/default +\S+ +\d+\/20/);
});

test('an approval is decided on the command line, with answers that fit its form', async () => {
  const form = '{ amount: { type: number, required: true } }';
  place.write('pay.flow', `A → approve(- { title: "Pay?", form: ${form} } -) → B\n`);
  expect(await place.ran('submit', 'pay.flow', '--id', 'pay')).toMatchObject({ status: 0 });
  await waitFor('the approval', async () =>
    (await place.ran('executions', 'show', 'pay')).stdout.includes('amount (number)'),
  );
  expect(await place.ran('executions', 'approve', 'pay', '--answer', 'amount=much')).toMatchObject({ status: 1 });
  expect(await place.ran('executions', 'approve', 'pay', '--answer', 'amount=3')).toMatchObject({ status: 0 });
  const { output } = await reach('pay', 'FINISHED');
  expect(output.at(-1)).toMatchObject({ isApproved: true, answers: { amount: 3 }, b: 2 });
});

test('a schedule is set, listed and removed', async () => {
  place.write('daily.flow', '@flow daily; A\n');
  expect(await place.ran('submit', 'daily.flow', '--schedule', '0 6 1 1 *', '--overlap', 'queue')).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('default/daily: scheduled'),
  });
  await waitFor('the list', async () => (await place.ran('executions', 'schedules')).stdout.includes('0 6 1 1 *'));
  expect(await place.ran('executions', 'unschedule', 'daily')).toMatchObject({ status: 0 });
  expect(await place.ran('executions', 'unschedule', 'daily')).toMatchObject({ status: 4 });
});

test('LF-39: a list of 120 executions has 50 and a link, which leads to the rest', async () => {
  const ids = await Promise.all(Array.from({ length: 120 }, (_, index) => start('@flow many; A', { index })));
  for (const id of ids) await reach(id, 'FINISHED');
  await waitFor('the list to have them', async () => {
    const { body } = await get('/executions/v1/default?name=many&limit=200');
    return (body as unknown[]).length === 120;
  });
  const first = await fetch(`${stack.file.url}/workflows`);
  expect(await first.json()).toHaveLength(50);
  const [, next = ''] = /^<([^>]+)>; rel="next"$/.exec(first.headers.get('link') ?? '') ?? [];
  const seen = ((await get('/workflows')).body as { id: string }[]).map(({ id }) => id);
  for (let url: string | undefined = next; url !== undefined; ) {
    const page: Response = await fetch(`${stack.file.url}${url}`);
    seen.push(...((await page.json()) as { id: string }[]).map(({ id }) => id));
    url = /^<([^>]+)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1];
  }
  expect(ids.filter((id) => !seen.includes(id))).toEqual([]);
}, 240_000);

test('kflow run runs a task flow on the stack of the folder, with its steps on stderr and its output on stdout', async () => {
  place.write('two.flow', 'A → B\n');
  const { status, stdout, stderr } = await place.ran('run', 'two.flow', '--input', '{"x": 1}');
  expect({ status, stdout, stderr }).toEqual({
    status: 0,
    stdout: `${JSON.stringify({ x: 1, a: 1, b: 2 }, null, 2)}\n`,
    stderr: expect.stringMatching(/1 {2}A {2}succeeded/),
  });
});

test('kflow run starts a stack with the workers of a document where none runs, and ends them with the run', async () => {
  const other = new Workplace();
  try {
    other.write('tasks.ts', tasks);
    other.write('worker.yaml', worker);
    other.write('two.flow', 'A → B\n');
    const { status, stdout, stderr } = await other.ran('run', 'two.flow', '--worker', 'worker.yaml');
    expect([status, stdout, stderr]).toEqual([0, '{\n  "a": 1,\n  "b": 2\n}\n', expect.stringContaining('Completed')]);
    expect(existsSync(path.join(other.folder, '.kflow/stack.json'))).toBe(false);
  } finally {
    other.remove();
  }
}, 180_000);
