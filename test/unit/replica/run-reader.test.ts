import { MemoryGroupLog } from '../../../runtime/adapters/memory/memory-group-log';
import { AvroSchemaCodec } from '../../../runtime/engine/avro-message';
import { openReaderLinks } from '../../../runtime/replica/reader-links';
import { runReader } from '../../../runtime/replica/run-reader';
import { numbered } from '../../support/host-run';
import { planOf } from '../plan/planned';
import { ReplicaStage } from './replica-stage';

const schema = JSON.stringify(numbered);
const code = 'meta: { name: run, code: "def run(ctx): return []" }';
const plan = planOf(`
namespace: n
jobId: j
mode: batch
dag:
  - { id: left, type: raw-source, schema: '${schema}', ${code}, out: [fn] }
  - { id: right, type: raw-source, schema: '${schema}', ${code}, out: [fn] }
  - { id: fn, type: raw, image: "i:1", schema: '${schema}', out: [leaf], sideOuts: [{ id: odd, schema: '${schema}', out: [leaf] }] }
  - { id: leaf, type: raw, image: "i:1" }
`);
const [left, right] = ['kflow_n_j_left', 'kflow_n_j_right'];

let stage: ReplicaStage;
beforeEach(() => {
  stage = new ReplicaStage(plan, 'fn');
});
afterEach(() => stage.stop.abort());

const run = async () => runReader({ ...stage.context, links: await openReaderLinks(stage.context) });

/** Resolves when the replica has read the seal of the stream three times, or has ended. Two positive checks end it. */
const checked = (stream: string) =>
  stage.until(() => stage.marks.length > 0 || stage.sealReads.filter((read) => read === stream).length >= 3);

test('marks its streams as ended once every input is sealed and acked', async () => {
  for (const stream of [left, right]) stage.acked.set(stream, 5);
  const running = run();
  stage.sealed.set(left, 5);
  await checked(right);
  expect(stage.marks).toEqual([]);
  stage.sealed.set(right, 5);
  await running;
  expect(stage.marks).toEqual(['ended kflow_n_j_fn kflow_n_j_fn_odd']);
});

test('waits for an input that is not sealed although later inputs are', async () => {
  for (const stream of [left, right]) stage.acked.set(stream, 5);
  stage.sealed.set(right, 5);
  const running = run();
  await checked(left);
  expect(stage.marks).toEqual([]);
  stage.stop.abort();
  await running;
});

test('waits for an input that is sealed but not acked up to the seal', async () => {
  stage.acked.set(left, 5).set(right, 4);
  for (const stream of [left, right]) stage.sealed.set(stream, 5);
  const running = run();
  await checked(right);
  expect(stage.marks).toEqual([]);
  stage.stop.abort();
  await running;
});

test('does not mark its streams as ended when it is stopped', async () => {
  const running = run();
  await stage.until(() => stage.isReady);
  stage.stop.abort();
  await running;
  expect(stage.marks).toEqual([]);
});

test('publishes no stored output again when a redelivery is outside the dedupe window of one of its outputs', async () => {
  const [odd] = stage.context.spec.sideOutputs;
  if (odd === undefined) throw new Error('fn has no side output');
  stage = new ReplicaStage(plan, 'fn', { sideOutputs: [{ ...odd, dedupeWindowMs: 24 * 60 * 60_000 }] });
  stage.storedIds.push(`fn:${left}:7:0`);
  const running = run();
  await stage.until(() => stage.isReady);
  const anHourAgo = Date.now() - 60 * 60_000;
  const answers = stage.inputs[0]?.deliver(7, { deliveries: 2, timestampMs: anHourAgo });
  await stage.until(() => answers?.includes('ack') === true || stage.publisher.sent.length > 0);
  expect([answers, stage.publisher.sent]).toEqual([['ack'], []]);
  stage.stop.abort();
  await running;
});

describe('a function that requests acks itself, at the end of its inputs', () => {
  const group = `group = []
def run(ctx, event):
    group.append(event["n"])
def finish(ctx):
    ctx.request_ack()
    return {"n": len(group)}`;
  const manual = { code: group, entry: 'run', image: undefined, ack: 'manual', sideOutputs: [], inputs: [] } as const;

  /** A replica of `replicas` that has got the first of two messages. */
  async function begin(replicas: number) {
    const { spec } = stage.context;
    stage = new ReplicaStage(plan, 'fn', { ...manual, inputs: spec.inputs.slice(0, 1), replicas });
    stage.unacked.set(left, 2);
    stage.sealed.set(left, 2);
    const running = run();
    await stage.until(() => stage.isReady);
    const answers = [deliver(1)];
    return { running, answers };
  }
  const payload = new AvroSchemaCodec(numbered).encode({ n: 1 });
  const deliver = (sequence: number) => stage.inputs[0]?.deliver(sequence, { payload }) ?? [];
  const ends = async (running: Promise<void>) => {
    stage.acked.set(left, 2);
    stage.unacked.clear();
    await running;
    expect(stage.marks).toEqual(['ended kflow_n_j_fn']);
  };

  test('gets its last call when every message that is not acked waits in its only replica', async () => {
    const { running, answers } = await begin(1);
    await stage.until(() => stage.sealReads.length >= 4);
    expect(stage.publisher.sent).toEqual([]);
    answers.push(deliver(2));
    await stage.until(() => stage.publisher.sent.length > 0);
    stage.publisher.store(0);
    expect(answers).toEqual([['ack'], ['ack']]);
    await ends(running);
  });

  test('gets another one for a message that another replica has given back', async () => {
    const { running, answers } = await begin(2);
    for (const index of [0, 1]) {
      await stage.until(() => stage.publisher.sent.length > index);
      stage.publisher.store(index);
      stage.acked.set(left, 1);
      stage.unacked.set(left, 1);
      if (index === 0) answers.push(deliver(2));
    }
    expect(answers).toEqual([['ack'], ['ack']]);
    await ends(running);
  });

  test('ends in its time when it is stopped while its log of groups does not answer', async () => {
    const { spec, environment } = stage.context;
    stage = new ReplicaStage(plan, 'fn', { ...manual, inputs: spec.inputs.slice(0, 1) });
    const calls: string[] = [];
    const links = {
      ...(await openReaderLinks(stage.context)),
      openGroupLog: async () =>
        Object.assign(new MemoryGroupLog(), { close: () => new Promise<void>(() => calls.push('close')) }),
      beginLife: async () => ({ isAfterCrash: false, endCleanly: async () => void calls.push('end') }) as never,
    };
    const running = runReader({ ...stage.context, environment: { ...environment, shutdownMs: 10 }, links });
    await stage.until(() => stage.isReady);
    stage.stop.abort();
    await running;
    expect(calls).toEqual(['close', 'end']);
  });
});
