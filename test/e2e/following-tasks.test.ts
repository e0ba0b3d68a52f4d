import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { TaskResult } from '../../runtime/api-contract/task-message';
import { Workplace } from '../support/kflow-cli';
import { RunningStack } from '../support/running-stack';
import { waitFor } from '../support/wait-for';

/** Each task notes its begin, with the process, and ends when the file that its name ends with exists. */
const tasks = `import { appendFileSync, existsSync } from 'node:fs';
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const task = (name: string) => async (ctx: { signal: AbortSignal }, input: object, { gate }: { gate?: string }) => {
  appendFileSync('JOURNAL', name + ' ' + process.pid + '\\n');
  while (gate !== undefined && !existsSync(gate)) {
    if (ctx.signal.aborted) throw new Error('told');
    await sleep(20);
  }
  return { ...input, [name]: true };
};
export const one = task('one');
export const two = task('two');
export const three = task('three');
`;

const languages = {
  typescript: tasks,
  python: ['one', 'two', 'three']
    .map(
      (name) => `import os


def ${name}(ctx, input, gate=None):
    with open("JOURNAL", "a") as journal:
        journal.write(f"${name} {os.getpid()}\\n")
    while gate is not None and not os.path.exists(gate):
        ctx.wait(0.02)
    return {**input, "${name}": True}
`,
    )
    .join('\n\n'),
};

let place: Workplace;
let stack: RunningStack;
let results: readonly TaskResult[];

beforeAll(async () => {
  place = new Workplace();
  stack = await RunningStack.up(place);
  results = await stack.taskResults('default');
}, 180_000);

afterAll(async () => {
  await stack.close();
  await place.ran('down');
  place.remove();
});

describe.each(Object.keys(languages) as (keyof typeof languages)[])('a worker in %s', (language) => {
  const at = (name: string) => path.join(place.folder, `${language}-${name}`);
  const begun = () =>
    existsSync(at('journal'))
      ? readFileSync(at('journal'), 'utf8')
          .split('\n')
          .flatMap((line) => line.split(' ')[0] || [])
      : [];

  beforeAll(() => {
    const module = `${language}.${language === 'python' ? 'py' : 'ts'}`;
    place.write(module, languages[language].replaceAll('JOURNAL', at('journal')));
    const lines = ['one', 'two', 'three'].map((name) => `  ${name}: { language: ${language}, module: ${module} }`);
    place.write(`${language}.yaml`, [`worker: ${language}`, 'slots: 2', 'tasks:', ...lines, ''].join('\n'));
  });

  const work = async () => {
    const worker = place.kflow('worker', `${language}.yaml`);
    const line = await worker.waitFor(/started, process \d+/);
    return { worker, replica: Number(/started, process (\d+)/.exec(line)?.[1]) };
  };

  const start = async (gate: string, id: string) => {
    const flow = `${language}:one → ${language}:two(${JSON.stringify({ gate })}) → ${language}:three`;
    const { status } = await stack.call('POST', '/executions/v1/default', { flow, input: {}, id });
    expect(status).toBe(201);
  };

  const ended = (id: string) =>
    waitFor(
      `${id} to end`,
      async () => (await stack.call('GET', `/executions/v1/default/${id}`)).body as Record<string, unknown>,
      ({ endedAt }) => endedAt !== null,
    );

  test('that is killed in the middle of what follows loses nothing, and runs nothing again that has ended', async () => {
    const { worker, replica } = await work();
    await start(at('gate'), `${language}-killed`);
    await waitFor('the second task', () => begun().length === 2);
    await waitFor('the first result', () => results.some(({ id }) => id.startsWith(`${language}-killed/`)));
    const [first] = results.filter(({ id }) => id.startsWith(`${language}-killed/`));
    expect(first).toMatchObject({ kind: 'succeeded', continues: true });
    worker.process.kill('SIGKILL');
    process.kill(replica, 'SIGKILL');
    await worker.exited;
    const next = await work();
    place.write(`${language}-gate`, '');
    const detail = await ended(`${language}-killed`);
    expect(detail).toMatchObject({ status: 'Completed', output: { one: true, two: true, three: true } });
    expect(begun()).toEqual(['one', 'two', 'two', 'three']);
    next.worker.process.kill('SIGTERM');
    expect(await next.worker.exited).toBe(0);
  }, 120_000);

  test('begins nothing after a cancel between two steps', async () => {
    const before = begun().length;
    const { worker } = await work();
    await start(at('never'), `${language}-canceled`);
    await waitFor('the second task', () => begun().length === before + 2);
    await stack.call('POST', `/executions/v1/default/${language}-canceled/cancel`, {});
    expect(await ended(`${language}-canceled`)).toMatchObject({ status: 'Stopped' });
    expect(begun().slice(before)).toEqual(['one', 'two']);
    worker.process.kill('SIGTERM');
    expect(await worker.exited).toBe(0);
  });
});
