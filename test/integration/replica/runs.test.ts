import type { FlowPlan } from '../../../lib/plan/flow-plan';
import { waitFor } from '../../support/wait-for';
import { planOf } from '../../unit/plan/planned';
import { JetStreamPlace } from '../jetstream/jetstream-place';
import { numbersIn, sorted, startReplica } from './replica-run';

let place: JetStreamPlace;

beforeAll(async () => {
  place = await JetStreamPlace.start();
});
afterAll(() => place.close());

/** The numbers from 0, doubled, by manifests whose topology has this run. */
function numbers(
  jobId: string,
  { run, count = 3, factor = 2 }: { run?: number; count?: number; factor?: number },
): FlowPlan {
  const schema = { type: 'record', name: 'number', fields: [{ name: 'n', type: 'long' }] };
  const code = (text: string) => ({ schema, meta: { language: 'javascript', name: 'run', code: text } });
  const dag = [
    {
      id: 'source',
      type: 'raw-source',
      ...code(`function* run() { for (let n = 0; n < ${count}; n++) yield { n }; }`),
      out: ['times'],
    },
    {
      id: 'times',
      type: 'raw',
      ...code(`function run(ctx, event) { return { n: event.n * ${factor} }; }`),
      out: ['leaf'],
    },
    { id: 'leaf', type: 'raw', ...code('function run() {}') },
  ];
  return planOf(JSON.stringify({ jobId, mode: 'batch', run, dag }), { beginsRuns: true });
}

/** Runs every function to its end, and returns what the readers logged. */
async function runThrough(plan: FlowPlan): Promise<readonly string[]> {
  const source = startReplica(place, plan, 'source');
  const readers = ['times', 'leaf'].map((id) => startReplica(place, plan, id));
  expect(await Promise.all(readers.map(({ ended }) => ended))).toEqual([{ is: 'done' }, { is: 'done' }]);
  await source.stop();
  return readers.flatMap(({ logs }) => logs);
}

const written = async (jobId: string) => sorted(await numbersIn(place, `kflow_default_${jobId}_times`));

test('the same manifests again process nothing and say so; a higher run processes the input again', async () => {
  await place.streams.provision(numbers('again', {}));
  await runThrough(numbers('again', {}));
  expect(await written('again')).toEqual([0, 2, 4]);

  const changed = { count: 4, factor: 10 };
  const logs = await runThrough(numbers('again', changed));
  expect(await written('again')).toEqual([0, 2, 4]);
  expect(logs.filter((line) => line.includes('had already ended in run 1'))).toEqual([
    expect.stringMatching(/^WARNING times had already ended .* set a higher "run" in the topology$/),
    expect.stringMatching(/^INFO done: 0 in, 0 out, .*; times had already ended in run 1 of the flow/),
    expect.stringMatching(/^WARNING leaf had already ended/),
    expect.stringMatching(/^INFO done: 0 in, 0 out, .*; leaf had already ended/),
  ]);

  const second = await runThrough(numbers('again', { run: 2, ...changed }));
  expect(await written('again')).toEqual([0, 0, 2, 4, 10, 20, 30]);
  expect(second.filter((line) => line.includes('had already ended'))).toEqual([]);
});

test('a replica of manifests without a run ends too when another begins one', async () => {
  const first = numbers('unnumbered', {});
  await place.streams.provision(first);
  const old = startReplica(place, first, 'times');
  await waitFor('it runs', () => old.logs.some((line) => line.startsWith('INFO started')));
  await runThrough(numbers('unnumbered', { run: 2 }));
  expect(await old.ended).toEqual({ is: 'outdated' });
});

test('a replica of an earlier run ends when the next one begins, and does not start again', async () => {
  const first = numbers('next', { run: 1 });
  const second = numbers('next', { run: 2, count: 5 });
  await place.streams.provision(first);
  const old = startReplica(place, first, 'times');
  await waitFor('it runs', () => old.logs.some((line) => line.startsWith('INFO started')));
  await runThrough(second);
  expect(await old.ended).toEqual({ is: 'outdated' });
  const restarted = startReplica(place, first, 'times');
  await expect(restarted.ended).rejects.toThrow('the flow is in run 2, and run 1 is over');
  expect(await written('next')).toEqual([0, 2, 4, 6, 8]);
});
