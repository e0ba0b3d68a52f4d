import { StoreError } from '../../../lib/errors';
import { runSource } from '../../../runtime/replica/run-source';
import { numbered } from '../../support/host-run';
import { waitFor } from '../../support/wait-for';
import { planOf } from '../plan/planned';
import { ReplicaStage } from './replica-stage';

const schema = JSON.stringify(numbered);
const plan = planOf(`
namespace: n
jobId: j
mode: batch
dag:
  - id: source
    type: raw-source
    schema: '${schema}'
    meta: { name: run, language: javascript, code: "function* run() { yield { n: 1 }; yield { n: 2 }; }" }
    out: [leaf]
  - { id: leaf, type: raw, image: "i:1" }
`);

let stage: ReplicaStage;
beforeEach(() => {
  stage = new ReplicaStage(plan, 'source');
});
afterEach(() => stage.stop.abort());

test('marks its part as ended only after all of its records are stored', async () => {
  const running = runSource(stage.context);
  await stage.until(() => stage.publisher.sent.length === 2);
  stage.publisher.store(0);
  expect(stage.marks).toEqual([]);
  stage.publisher.store(1);
  await stage.until(() => stage.marks.length > 0);
  expect(stage.marks).toEqual(['part ended kflow_n_j_source']);
  stage.stop.abort();
  await running;
});

test('does not mark its part as ended when it is stopped', async () => {
  const running = runSource(stage.context);
  await stage.until(() => stage.publisher.sent.length === 2);
  stage.stop.abort();
  stage.publisher.store(0);
  stage.publisher.store(1);
  await running;
  expect(stage.marks).toEqual([]);
});

test('reads nothing when it has already ended in this run, and waits until it is stopped', async () => {
  stage.hasEnded = true;
  const running = runSource(stage.context);
  await stage.until(() => stage.isReady);
  stage.stop.abort();
  await running;
  expect([stage.publisher.sent, stage.marks]).toEqual([[], []]);
});

test('fails, and does not mark its part as ended, when a record cannot be stored', async () => {
  const refusal = new StoreError('stream-failed', 'message refused');
  let failure: unknown;
  runSource(stage.context).catch((error: unknown) => {
    failure = error;
  });
  await stage.until(() => stage.publisher.sent.length === 2);
  stage.publisher.refuse(0, refusal);
  stage.publisher.store(1);
  expect(await waitFor('the failure of the source, or its mark', () => failure ?? stage.marks[0])).toBe(refusal);
  expect(stage.marks).toEqual([]);
});
