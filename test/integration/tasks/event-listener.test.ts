import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { taskStream } from '../../../lib/plan/task-names';
import { readWorkers } from '../../../runtime/adapters/jetstream/tasks/worker-directory';
import { LoginPlace } from '../../support/login-place';
import { venvPython } from '../../support/venv-python';
import { waitFor } from '../../support/wait-for';
import { TaskPlace } from './task-place';

const root = path.join(__dirname, '../../..');
const programs = {
  python: [venvPython, []],
  typescript: [process.execPath, ['-C', 'kflow-source', '-r', 'ts-node/register/transpile-only']],
} as const;

test('a listener whose login nats refuses says so at once, and ends', async () => {
  const logins = new LoginPlace();
  const [way] = logins.ways();
  if (way === undefined) throw new Error('there is no way to log in');
  const server = await logins.start('refused', way.config);
  const program = 'from kfbasicpy.tasks.event_listener import EventListener; EventListener("x", "sleep").listen()';
  const env = { ...process.env, KFLOW_NATS_URL: server.url, PYTHONPATH: path.join(root, 'sdk/python') };
  const child = spawn(venvPython, ['-c', program], { env });
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  expect(await new Promise((resolve) => child.on('exit', resolve))).toBe(1);
  expect(said).toContain(`nats at ${server.url} refuses a connection without a login; set KFLOW_NATS_CREDENTIALS`);
});

describe.each([
  ['python', 'py'],
  ['typescript', 'ts'],
] as const)('a listener in %s', (language, extension) => {
  let place: TaskPlace;
  const children: ChildProcess[] = [];

  function start(
    folder = 'examples/sleep-listener',
    ...groups: readonly string[]
  ): {
    readonly child: ChildProcess;
    readonly ended: Promise<number | null>;
  } {
    const [command, args] = programs[language];
    const env = {
      ...process.env,
      KFLOW_NATS_URL: place.nats.url,
      KFLOW_NAMESPACE: 'prod',
      KFLOW_SHUTDOWN_TIMEOUT: '1',
      PYTHONPATH: 'sdk/python',
    };
    const child = spawn(command, [...args, `${folder}/listener.${extension}`, ...groups], {
      cwd: root,
      env,
      stdio: 'inherit',
    });
    children.push(child);
    return { child, ended: new Promise((resolve) => child.on('exit', resolve)) };
  }

  beforeAll(async () => {
    place = await TaskPlace.start();
  });

  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await place.close();
  });

  const kindsOf = (id: string) => place.results.filter((result) => result.id === id).map(({ kind }) => kind);

  test('sends a receipt, and ends the task with its output', async () => {
    const { child, ended } = start();
    const id = await place.send('sleep:nap', { parameters: { for: 0.01 }, input: { a: 1 } });
    expect(await place.outputOf(id)).toEqual({ a: 1 });
    expect(kindsOf(id)).toEqual(['receipt', 'succeeded']);
    await waitFor('the acks', async () => (await place.nats.count(taskStream('prod'))) === 0);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  test('a task of a killed listener goes to another, which does not run it when it has ended meanwhile', async () => {
    const first = start();
    const id = await place.send('sleep:nap', { parameters: { for: 3600 } });
    await waitFor('the receipt', () => kindsOf(id).includes('receipt'));
    first.child.kill('SIGKILL');
    await first.ended;
    place.unneeded.add(id);
    start();
    await waitFor('the task to be acked', async () => (await place.nats.count(taskStream('prod'))) === 0);
    expect(kindsOf(id)).toEqual(['receipt']);
  });

  test('is listed while it lives; of several, each', async () => {
    const ill = [start('test/fixtures/listeners'), start('test/fixtures/listeners')];
    const entries = () => readWorkers(place.connection, 'prod', 'ill');
    await waitFor('two entries', entries, (found) => found.length === 2);
    expect(await entries()).toMatchObject([{ tasks: { '*': {} }, language }, { tasks: { '*': {} } }]);
    ill[0]?.child.kill('SIGTERM');
    expect(await ill[0]?.ended).toBe(0);
    expect(await entries()).toHaveLength(1);
  });

  test('what it throws fails the task, and so does an output that is no JSON', async () => {
    const [thrown, nan] = await Promise.all([place.send('ill:throw'), place.send('ill:nan')]);
    expect(await place.errorOf(thrown)).toMatchObject({
      code: expect.stringMatching('(Range|Runtime)Error'),
      message: 'no',
    });
    expect(await place.errorOf(nan)).toMatchObject({ code: 'output-invalid', isTerminal: true });
  });

  test('a task ends once, whatever follows its end', async () => {
    const [twice, late] = await Promise.all([place.send('ill:twice'), place.send('ill:late')]);
    expect(await place.outputOf(twice)).toEqual({ times: 1 });
    expect(await place.outputOf(late)).toEqual({ times: 1 });
    await waitFor('the acks', async () => (await place.nats.count(taskStream('prod'))) === 0);
    expect(await place.outputOf(await place.send('ill:once'))).toEqual({ times: 1 });
    expect([...kindsOf(twice), ...kindsOf(late)]).toEqual(['succeeded', 'succeeded']);
  });

  test('a task that it still processes after the grace period of a stop is given back, and its process ends', async () => {
    const { child, ended } = start('test/fixtures/listeners', 'hangs');
    const id = await place.send('hangs:hang');
    await waitFor('the receipt', () => kindsOf(id).includes('receipt'));
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    await waitFor('its return', () => place.heartbeats.some((beat) => beat.id === id && beat.lease === 'returns'));
    place.unneeded.add(id);
    start('test/fixtures/listeners', 'hangs');
    await waitFor('the ack', async () => (await place.nats.count(taskStream('prod'))) === 0);
    expect(kindsOf(id)).toEqual(['receipt']);
  });

  test('a task that it never ends has heartbeats, and is dropped when its step does not need it', async () => {
    const id = await place.send('ill:never', { timeouts: { heartbeatMs: 600 } });
    await waitFor('heartbeats', () => place.heartbeats.filter((beat) => beat.id === id).length > 2);
    place.unneeded.add(id);
    await waitFor('the ack', async () => (await place.nats.count(taskStream('prod'))) === 0);
    expect(kindsOf(id)).toEqual([]);
  });
});
