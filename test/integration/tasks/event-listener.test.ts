import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { taskStream } from '../../../lib/plan/task-names';
import { venvPython } from '../../support/venv-python';
import { waitFor } from '../../support/wait-for';
import { TaskPlace } from './task-place';

const root = path.join(__dirname, '../../..');
const programs = {
  python: [venvPython, ['examples/sleep-listener/listener.py']],
  typescript: [
    process.execPath,
    ['-C', 'kflow-source', '-r', 'ts-node/register/transpile-only', 'examples/sleep-listener/listener.ts'],
  ],
} as const;

describe.each(['python', 'typescript'] as const)('the listener of examples/sleep-listener in %s', (language) => {
  let place: TaskPlace;
  const children: ChildProcess[] = [];

  function start(): { readonly child: ChildProcess; readonly ended: Promise<number | null> } {
    const [command, args] = programs[language];
    const env = { ...process.env, KFLOW_NATS_URL: place.nats.url, KFLOW_NAMESPACE: 'prod', PYTHONPATH: 'sdk/python' };
    const child = spawn(command, [...args], { cwd: root, env, stdio: 'inherit' });
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
});
