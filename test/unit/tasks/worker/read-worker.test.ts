import { readWorker } from '../../../../lib/tasks/worker/read-worker';
import { workerJsonSchema } from '../../../../lib/tasks/worker/worker-json-schema';
import { isWorkerDocument } from '../../../../lib/tasks/worker/worker-topology';
import { parseSet } from '../../../../lib/topology/read/document-set';

const read = (text: string, ...sets: string[]) => readWorker(text, { file: 'mail.yaml', sets: sets.map(parseSet) });

function printed(text: string): readonly string[] {
  return read(text).problems.map(({ line, col, path, message }) => `${line}:${col}  ${path}  ${message}`);
}

const mail = `
worker: mail
namespace: prod
replicas: 2
slots: 4
meta: { language: typescript, container: { env: [{ name: FROM, value: me }] } }
tasks:
  send: { module: send.py, language: python, parameters: { retries: 1 } }
  bounce: { code: 'export const bounce = () => 1;' }
`;

test('a worker document is a topology of one task-worker', () => {
  const { topology, problems } = read(mail);
  expect(problems).toEqual([]);
  expect(topology).toMatchObject({ namespace: 'prod', jobId: 'mail-worker', mode: 'stream' });
  expect(topology?.dag).toEqual([
    expect.objectContaining({
      id: 'mail',
      type: 'task-worker',
      parallelism: 2,
      tasks: {
        send: { module: 'send.py', language: 'python', parameters: { retries: 1 } },
        bounce: { code: 'export const bounce = () => 1;', language: 'typescript' },
      },
      meta: expect.objectContaining({ concurrency: 4, update: true, language: 'typescript' }),
    }),
  ]);
});

test('a value of --set replaces the one of the document', () => {
  expect(read(mail, 'replicas=3').topology?.dag[0]?.parallelism).toBe(3);
});

test('every problem is reported at once, at its place in the worker document', () => {
  const text = `worker: Mail
replica: 2
slots: 0
meta: { rates: 1, max.poll.interval.ms: soon }
tasks:
  9th: { code: 'def f(): pass', module: f.py }
  send: { language: pyton }
  bounce: { code: 'def other(): pass' }
`;
  expect(printed(text)).toEqual([
    '1:9  worker  must be lower-case letters, digits and single dashes, with a letter or digit at both ends; got "Mail"; for example "mail"',
    '2:1  replica  unknown key "replica"; did you mean "replicas"?',
    '3:8  slots  must be a positive integer, got 0',
    '4:16  meta.rates  "rates" is treated as your own key; did you mean "rate"?',
    '4:41  meta.max.poll.interval.ms  must be a positive integer, got "soon"',
    '6:8  tasks.9th  the name of a task has letters, digits, _ and -, and begins with a letter or _; got "9th"',
    '6:41  tasks.9th.module  code and module exclude each other; remove one',
    '7:9  tasks.send  the task needs code or a module',
    '7:21  tasks.send.language  must be one of python, typescript, javascript, got "pyton"; did you mean "python"?',
    '8:19  tasks.bounce.code  the code has no function "bounce"; name it in "name"',
  ]);
});

test('a document without tasks, or without a name, is no worker', () => {
  expect(printed('worker: mail\n')).toEqual(['1:1    the key "tasks" is missing; it must be a map of tasks']);
  expect(printed('{}')).toContain('1:1    the key "worker" is missing; it must be text');
});

test.each([
  ['worker: a\ntasks: {}\n', true],
  ['{"worker": "a", "tasks": {}}', true],
  ['{worker: a, tasks: {}}', true],
  ['jobId: worker\ndag: []\n', false],
  ['worker: 1\ndag: []\n', false],
  ['dag:\n  - worker: a\n', false],
])('%j is a worker document: %s', (text, isWorker) => {
  expect(isWorkerDocument(text)).toBe(isWorker);
});

test('the JSON Schema has the fields of the document', () => {
  expect(workerJsonSchema()).toMatchObject({ title: 'KFlow task worker', required: ['worker', 'tasks'] });
});
