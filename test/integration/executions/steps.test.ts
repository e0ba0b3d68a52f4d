import { TaskFailure } from '../../support/bare-worker';
import { ExecutionPlace } from './execution-place';

let place: ExecutionPlace;

beforeAll(async () => {
  place = await ExecutionPlace.open();
});

afterAll(async () => {
  await place?.close();
});

test('a chain of tasks runs on a worker, each with the output of the one before', async () => {
  const worker = await place.worker({
    A: ({ input }) => ({ a: input }),
    B: ({ input }) => ({ b: input }),
  });
  const detail = await place.run('A → B', { x: 1 });
  expect(detail).toMatchObject({ status: 'Completed', output: { b: { a: { x: 1 } } }, run: 1, by: 'tester' });
  expect(detail.steps).toMatchObject([
    { name: 'A', task: 'default:A', status: 'succeeded', attempts: 1, worker: 'bare' },
    { name: 'B', status: 'succeeded', input: { a: { x: 1 } } },
  ]);
  expect(worker.names).toEqual(['A', 'B']);
});

test('parameters larger than a message arrive, and so do values that look like claims', async () => {
  const claim = { $claim: { key: 'nothing', bytes: 3 } };
  await place.worker({ A: ({ input, parameters }) => ({ input, length: JSON.stringify(parameters).length }) }, 'large');
  const parameters = JSON.stringify({ text: 'x'.repeat(3_000_000) });
  const detail = await place.run(`large:A(${parameters})`, claim);
  expect(detail).toMatchObject({ status: 'Completed', output: { input: claim, length: parameters.length } });
});

test('a repeated start with the same id attaches, also after the end', async () => {
  await place.worker({ C: () => ({ done: true }) }, 'again');
  const first = await place.start('again:C', {}, 'once');
  expect(first.outcome).toBe('started');
  expect((await place.start('again:C', {}, 'once')).outcome).toBe('attached');
  await place.ended(first.execution);
  const late = await place.start('again:C', {}, 'once');
  expect(late).toMatchObject({ outcome: 'attached', execution: { status: 'Completed' } });
});

test('LF-25: a failed task fails the execution with its reason; successors do not start, siblings keep their results', async () => {
  const worker = await place.worker(
    {
      good: () => ({ good: true }),
      bad: () => {
        throw new TaskFailure({ code: 'broken', message: 'r' });
      },
      next: () => ({}),
    },
    'lf25',
  );
  const detail = await place.run('{ lf25:good lf25:bad } → lf25:next');
  expect(detail).toMatchObject({ status: 'Failed', error: { code: 'broken', message: 'r' } });
  const byName = Object.fromEntries(detail.steps.map((step) => [step.name, step]));
  expect(byName['lf25:bad']).toMatchObject({ status: 'failed', error: { code: 'broken', attempts: 1 } });
  expect(byName['lf25:good']).toMatchObject({ status: 'succeeded', output: { good: true } });
  expect(worker.names).not.toContain('lf25:next');
});

test('LF-31: a result that is delivered twice starts what follows once', async () => {
  const worker = await place.worker({ A: () => ({}), B: () => ({ b: 1 }) }, 'lf31');
  const { execution } = await place.start('lf31:A → lf31:B → lf31:C');
  await place.until(execution, ({ steps }) =>
    steps.some(({ name, status }) => name === 'lf31:B' && status === 'succeeded'),
  );
  const [first] = worker.begun;
  if (first === undefined) throw new Error('A has not begun');
  await worker.report(first, { kind: 'succeeded', output: {} }, 'another-id');
  await place.ended(execution);
  expect(worker.names.filter((name) => name === 'lf31:B')).toHaveLength(1);
});
