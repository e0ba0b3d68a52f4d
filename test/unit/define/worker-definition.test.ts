import { defineWorker, fromModule, python } from '../../../lib';
import { readWorker } from '../../../lib/tasks/worker/read-worker';

const options = {
  worker: 'mail',
  slots: 2,
  tasks: {
    send: { run: (_ctx: unknown, input: { to: string }) => ({ sent: input.to }), parameters: { retries: 1 } },
    bounce: { run: python('bounce', 'def bounce(ctx, input):\n    return input') },
    read: { run: fromModule('./worker-definition.test.ts', 'read') },
  },
};

test('a worker in TypeScript is the same document as in YAML', () => {
  const document = defineWorker({ ...options, directory: __dirname }).document();
  expect(document).toEqual({
    worker: 'mail',
    slots: 2,
    tasks: {
      send: {
        language: 'javascript',
        name: 'run',
        code: expect.stringContaining('sent'),
        parameters: { retries: 1 },
      },
      bounce: { name: 'bounce', code: 'def bounce(ctx, input):\n    return input' },
      read: { language: 'typescript', name: 'read', module: './worker-definition.test.ts' },
    },
  });
  expect(readWorker(JSON.stringify(document), { file: 'worker.ts' }).problems).toEqual([]);
});

test('every task whose code cannot be used is named', () => {
  const outside = 1;
  const tasks = { ...options.tasks, sum: { run: () => outside }, gone: { run: fromModule('./gone.ts', 'gone') } };
  expect(() => defineWorker({ ...options, tasks, directory: __dirname }).document()).toThrow(
    /sum: the function uses outer variables: outside .*\ngone: there is no module "\.\/gone\.ts"/,
  );
});
