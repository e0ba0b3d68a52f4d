import { readFileSync } from 'node:fs';
import path from 'node:path';
import { connect, credsAuthenticator, type NatsConnection } from 'nats';
import { parseTaskName, taskSubject } from '../../lib/plan/task-names';
import { managerOf } from '../../runtime/adapters/jetstream/access/jetstream-api';
import { ensureTaskConsumer, ensureTaskStreams } from '../../runtime/adapters/jetstream/tasks/ensure-task-streams';
import { readWorkers } from '../../runtime/adapters/jetstream/tasks/worker-directory';
import type { TaskResult } from '../../runtime/api-contract/task-message';
import { Workplace } from '../support/kflow-cli';
import { RunningStack } from '../support/running-stack';
import { waitFor } from '../support/wait-for';

const document = `worker: mail
replicas: 2
slots: 2
tasks:
  send: { module: send.py, parameters: { from: me } }
  bounce: { language: typescript, module: bounce.ts }
`;

let place: Workplace;
let stack: RunningStack;
let connection: NatsConnection;
let results: readonly TaskResult[];

beforeAll(async () => {
  place = new Workplace();
  place.write('send.py', 'def send(ctx, input, **parameters):\n    return {"to": input["to"], **parameters}\n');
  place.write('bounce.ts', 'export const bounce = async (_: unknown, input: object) => ({ ...input, bounced: true });');
  place.write('mail.yaml', document);
  stack = await RunningStack.up(place);
  connection = await stack.nats('default');
  results = await stack.taskResults('default');
}, 180_000);

afterAll(async () => {
  await stack.close();
  await place.ran('down');
  place.remove();
});

/** Runs a task as a controller does, and returns its output. */
async function outputOf(task: string, input: object): Promise<unknown> {
  const execution = `e${Math.random().toString(36).slice(2)}`;
  const name = parseTaskName(task);
  const id = `${execution}/1/1/1`;
  const message = {
    v: 1,
    id,
    token: 't',
    execution,
    step: '1',
    task,
    name: task,
    attempt: 1,
    input,
    sentAt: new Date().toISOString(),
  };
  const manager = await managerOf(connection);
  await ensureTaskStreams(manager, 'default');
  await ensureTaskConsumer(manager, { namespace: 'default', taskNamespace: name.taskNamespace });
  await connection.jetstream().publish(taskSubject('default', name), JSON.stringify(message));
  const result = () => results.find((each) => each.id === id && each.kind !== 'receipt');
  await waitFor(`the result of ${task}`, () => result() !== undefined);
  const found = result();
  return found?.kind === 'succeeded' ? found.output : found;
}

test('kflow worker runs a worker document on this machine, with the stack of this folder', async () => {
  const worker = place.kflow('worker', 'mail.yaml', '--set', 'replicas=1');
  await worker.waitFor(/started, process/);
  expect(await outputOf('mail:send', { to: 'you' })).toEqual({ to: 'you', from: 'me' });
  expect(await outputOf('mail:bounce', { to: 'you' })).toEqual({ to: 'you', bounced: true });
  worker.process.kill('SIGTERM');
  expect(await worker.exited).toBe(0);
  expect(worker.stderr).toContain('2 tasks succeeded');
});

test('kflow nats-login makes a login for a program in the account of its namespace', async () => {
  const { status, stdout } = await place.ran('nats-login', 'mine', '--namespace', 'default');
  expect(status).toBe(0);
  const [, url, folder] = /^export KFLOW_NATS_URL=(.+)\nexport KFLOW_NATS_CREDENTIALS=(.+)\n/.exec(stdout) ?? [];
  expect(stdout).toContain('export KFLOW_NAMESPACE=default\n');
  await expect(connect({ servers: url ?? '', maxReconnectAttempts: 0 })).rejects.toThrow(/authorization/i);
  const credentials = readFileSync(path.join(folder ?? '', 'nats.creds'));
  const own = await connect({ servers: url ?? '', authenticator: credsAuthenticator(credentials) });
  const events = own.subscribe('kflow.default.>');
  const next = events[Symbol.asyncIterator]().next();
  await own.flush();
  connection.publish('kflow.default.mine', 'seen');
  expect((await next).value.string()).toBe('seen');
  await own.close();
  expect(await place.ran('nats-login', 'No')).toMatchObject({
    status: 64,
    stderr: expect.stringContaining('got "No"'),
  });
});

test('kflow executions show has what running tasks have reported last', async () => {
  const gate = path.join(place.folder, 'gate');
  const waits = `while (!existsSync(${JSON.stringify(gate)})) await new Promise((resolve) => setTimeout(resolve, 50));`;
  place.write(
    'count.ts',
    `import { existsSync } from 'node:fs';
export const count = async (ctx: { heartbeat(progress: unknown): void }) => {
  ctx.heartbeat({ done: 3, of: 7 });
  ${waits}
};
`,
  );
  place.write('count.yaml', 'worker: counts\ntasks:\n  count: { language: typescript, module: count.ts }\n');
  place.write('count.flow', 'counts:count\n');
  const worker = place.kflow('worker', 'count.yaml');
  await worker.waitFor(/started, process/);
  expect(await place.ran('submit', 'count.flow', '--id', 'counting')).toMatchObject({ status: 0 });
  const shown = await waitFor(
    'the progress',
    async () => (await place.ran('executions', 'show', 'counting')).stdout,
    (stdout) => stdout.includes('{"done":3,"of":7}'),
  );
  expect(shown).not.toContain('no worker has taken');
  place.write('gate', '');
  await waitFor('the end', async () =>
    (await place.ran('executions', 'show', 'counting')).stdout.includes('Completed'),
  );
  expect((await place.ran('executions', 'show', 'counting')).stdout).not.toContain('{"done":3,"of":7}');
  worker.process.kill('SIGTERM');
  expect(await worker.exited).toBe(0);
}, 240_000);

test('kflow submit deploys a worker document, and a second submit changes its tasks', async () => {
  const submitted = await place.ran('submit', 'mail.yaml', '--wait');
  expect(submitted).toMatchObject({ status: 0 });
  await waitFor('both replicas', async () => (await readWorkers(connection, 'default', 'mail')).length === 2);
  expect(await outputOf('mail:send', { to: 'you' })).toEqual({ to: 'you', from: 'me' });
  place.write('mail.yaml', document.replace('from: me', 'from: us'));
  expect(await place.ran('submit', 'mail.yaml', '--update', '--wait')).toMatchObject({ status: 0 });
  await waitFor('the new parameters', async () => {
    const output = (await outputOf('mail:send', { to: 'you' })) as { readonly from: string };
    return output.from === 'us';
  });
  expect(await place.ran('delete', 'default/mail-worker', '--yes')).toMatchObject({ status: 0 });
  await waitFor('no worker', async () => (await readWorkers(connection, 'default', 'mail')).length === 0);
});
