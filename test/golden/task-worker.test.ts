import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { defineWorker, python } from '../../lib';
import { FlowApp } from '../../lib/constructs/flow-app';
import { TaskWorker } from '../../lib/constructs/task-worker';

const document = path.join(__dirname, '../fixtures/workers/mail.yaml');
const golden = path.join(__dirname, 'task-worker.k8s.yaml');

function rendered(add: (app: FlowApp) => void): string {
  const app = new FlowApp();
  add(app);
  return [...app.texts().values()].join('');
}

test('a worker document renders the golden manifests each time', () => {
  const text = rendered((app) => TaskWorker.fromFile(app, 'mail', document));
  if (process.env.KFLOW_GOLDEN === 'write') writeFileSync(golden, text);
  expect(text).toBe(readFileSync(golden, 'utf8'));
  expect(rendered((app) => TaskWorker.fromFile(app, 'mail', document))).toBe(text);
});

test('the text, the document and its definition in TypeScript render the same', () => {
  const small = { worker: 'mail', tasks: { send: { name: 'send', code: 'def send(ctx, input):\n    pass\n' } } };
  const defined = defineWorker({ worker: 'mail', tasks: { send: { run: python('send', small.tasks.send.code) } } });
  const [text, data, definition] = [JSON.stringify(small), small, defined].map((each) =>
    rendered((app) => void new TaskWorker(app, 'mail', each)),
  );
  expect(data).toBe(text);
  expect(definition).toBe(text);
});

test('a document with errors renders nothing, and reports every problem', () => {
  const app = new FlowApp();
  const worker = new TaskWorker(app, 'mail', 'worker: mail\nslots: 0\ntasks: {}\n');
  expect(worker.plan).toBeUndefined();
  expect(worker.node.validate()).toEqual([
    'mail:2:8  slots  must be a positive integer, got 0',
    'mail:3:8  tasks  no task is declared; add one',
  ]);
});
