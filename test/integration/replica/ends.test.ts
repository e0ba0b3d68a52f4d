import type { FlowPlan } from '../../../lib/plan/flow-plan';
import { JetStreamFlowState } from '../../../runtime/adapters/jetstream/jetstream-flow-state';
import { waitFor } from '../../support/wait-for';
import { planOf } from '../../unit/plan/planned';
import { JetStreamPlace } from '../jetstream/jetstream-place';
import { startReplica } from './replica-run';

let place: JetStreamPlace;

beforeAll(async () => {
  place = await JetStreamPlace.start();
});
afterAll(() => place.close());

/** Ten numbers, doubled twice. */
function numbers(jobId: string, replicas: number): FlowPlan {
  const schema = { type: 'record', name: 'number', fields: [{ name: 'n', type: 'long' }] };
  const double = 'function run(ctx, event) { return { n: event.n * 2 }; }';
  const generate = 'function* run() { for (let n = 0; n < 10; n++) yield { n }; }';
  const fn = (id: string, code: string) => ({
    id,
    schema,
    parallelism: replicas,
    meta: { language: 'javascript', name: 'run', code },
  });
  const dag = [
    { ...fn('source', generate), type: 'raw-source', out: ['first'] },
    { ...fn('first', double), type: 'raw', out: ['second'] },
    { ...fn('second', double), type: 'raw', out: ['leaf'] },
    { ...fn('leaf', 'function run() {}'), type: 'raw' },
  ];
  return planOf(JSON.stringify({ jobId, mode: 'batch', dag }));
}

const run = (plan: FlowPlan, functionId: string, replica = 0) => startReplica(place, plan, functionId, { replica });

test('a source has ended for good once all its replicas have, and its Deployment stays up', async () => {
  const plan = numbers('staying', 1);
  await place.streams.provision(plan);
  const first = run(plan, 'source');
  await waitFor('it has ended', async () => (await place.streams.endedFunctions(plan)).includes('source'));
  await first.stop();
  const more = numbers('staying', 2);
  const again = run(more, 'source', 1);
  await waitFor('it is up', () =>
    again.logs.some((line) => line.startsWith('WARNING source had already ended in run 1 of the flow')),
  );
  const outcome = await Promise.race([again.ended.then(() => 'gone'), place.streams.progress(more).then(() => 'up')]);
  expect(outcome).toBe('up');
  await again.stop();
  const [source] = await place.streams.progress(more);
  expect(source?.outputs).toMatchObject([{ lastSequence: 10 }]);
});

test('readers scaled down midway end and seal their outputs', async () => {
  const plan = numbers('scaled-down', 3);
  await place.streams.provision(plan);
  const parts = [0, 1, 2].map((replica) => run(plan, 'source', replica));
  await waitFor('the source has ended', async () => (await place.streams.endedFunctions(plan)).includes('source'));
  await Promise.all(parts.map((part) => part.stop()));
  const fewer = numbers('scaled-down', 2);
  await Promise.all([0, 1].map((replica) => run(fewer, 'first', replica).ended));
  await run(fewer, 'second', 1).ended;
  await run(fewer, 'leaf').ended;
  expect(await place.streams.endedFunctions(fewer)).toEqual(['source', 'first', 'second', 'leaf']);
  const state = await JetStreamFlowState.of(place.connection, plan.stateBucket);
  expect(await state.sealedAt('kflow_default_scaled-down_second')).toBe(30);
});
