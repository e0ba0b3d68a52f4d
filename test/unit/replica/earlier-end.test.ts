import { reportEarlierEnd } from '../../../runtime/replica/earlier-end';
import { planOf } from '../plan/planned';
import { ReplicaStage } from './replica-stage';

const planIn = (mode: string) =>
  planOf(`
namespace: n
jobId: j
mode: ${mode}
dag:
  - { id: list, type: fs-source, format: list, addr: "s3:1", topics: "s3a://inbox", user: u, password: p, out: [leaf] }
  - { id: leaf, type: raw, image: "i:1" }
`);

function stageOf({ mode = 'batch', hasEnded = true, isWatched = false } = {}): ReplicaStage {
  const stage = new ReplicaStage(planIn(mode), 'leaf');
  stage.hasEnded = hasEnded;
  Object.assign(stage.context.environment, { isWatched });
  return stage;
}

test('a replica without a controller says that its function had ended, and how to process the input again', async () => {
  const stage = stageOf();
  const text = 'leaf had already ended in run 1 of the flow: nothing is left to process';
  expect(await reportEarlierEnd(stage.context)).toBe(text);
  expect(stage.logs).toEqual([`${text}; to process the input again, set a higher "run" in the topology`]);
});

test('a replica of a controller says only that its function had ended', async () => {
  const stage = stageOf({ isWatched: true });
  await reportEarlierEnd(stage.context);
  expect(stage.logs).toEqual(['leaf had already ended in run 1 of the flow: nothing is left to process']);
});

test.each([{ hasEnded: false }, { mode: 'stream' }])('a replica with input says nothing: %j', async (stage) => {
  const { context, logs } = stageOf(stage);
  expect([await reportEarlierEnd(context), logs]).toEqual([undefined, []]);
});
