import { ownConsumersOf } from '../../../lib/plan/partitions';
import { planOf, specOf } from './planned';

const schema = '{type: record, name: n, fields: [{name: n, type: long}]}';
const code = 'meta: { name: f, code: "def f(ctx, event): return event" }';

/** `keyed` gives keys; `other` does not, and `joined` reads both. `aside` is a side output of `keyed`. */
const plan = planOf(`
jobId: job
mode: stream
dag:
  - { id: plain, type: raw-source, schema: ${schema}, ${code}, out: [keyed] }
  - id: keyed
    type: raw
    partitionBy: n
    schema: ${schema}
    ${code}
    out: [passing]
    sideOuts: [{ id: aside, schema: ${schema}, out: [asides] }]
  - id: passing
    type: raw
    parallelism: 3
    ${code}
    out: [joined]
    sideOuts: [{ id: late, schema: ${schema}, out: [lates] }]
  - { id: other, type: raw-source, schema: ${schema}, ${code}, out: [joined] }
  - { id: joined, type: raw, ${code} }
  - { id: asides, type: raw, ${code} }
  - { id: lates, type: raw, ${code} }
`);

test('partitions the outputs of a function with partitionBy, and of all functions behind it', () => {
  const subjects = Object.fromEntries(plan.streams.map(({ name, subjects: [subject] }) => [name, subject]));
  expect(subjects).toMatchObject({
    kflow_default_job_plain: 'kflow.default.job.plain.out',
    kflow_default_job_keyed: 'kflow.default.job.keyed.out.*',
    kflow_default_job_keyed_aside: 'kflow.default.job.keyed.side.aside',
    kflow_default_job_passing: 'kflow.default.job.passing.out.*',
    kflow_default_job_passing_late: 'kflow.default.job.passing.side.late.*',
    kflow_default_job_other: 'kflow.default.job.other.out',
  });
  expect(specOf(plan, 'keyed').output?.partitions).toEqual({ count: 16, by: 'n' });
  expect(specOf(plan, 'passing').output?.partitions).toEqual({ count: 16 });
  expect(specOf(plan, 'passing').sideOutputs[0]?.partitions).toEqual({ count: 16 });
  expect(specOf(plan, 'joined').inputs.map(({ partitions }) => partitions)).toEqual([16, undefined]);
});

test('plans a consumer for each partition', () => {
  const consumers = plan.consumers.filter(({ function: id }) => id === 'joined');
  expect(consumers).toHaveLength(17);
  expect(consumers[3]).toMatchObject({
    stream: 'kflow_default_job_passing',
    durable: 'joined_p3',
    subject: 'kflow.default.job.passing.out.3',
  });
  expect(consumers[16]).toMatchObject({ durable: 'joined', subject: 'kflow.default.job.other.out' });
});

test('gives the replicas of readers of partitions numbers, which scaling from one replica does not change', () => {
  const kinds = Object.fromEntries(plan.workloads.map(({ function: id, kind }) => [id, kind]));
  expect(kinds).toMatchObject({
    keyed: 'deployment',
    passing: 'statefulset',
    joined: 'statefulset',
    asides: 'deployment',
  });
});

test('divides the partitions among the replicas, each with one owner', () => {
  const [input] = specOf(plan, 'passing').inputs;
  if (input === undefined) throw new Error('passing reads nothing');
  const partitionsOf = (replica: number, replicas: number) =>
    ownConsumersOf(input, { replica, replicas }).map(({ partition }) => partition);
  expect(partitionsOf(1, 3)).toEqual([1, 4, 7, 10, 13]);
  const all = [0, 1, 2].flatMap((replica) => partitionsOf(replica, 3));
  expect(all.sort((one, other) => Number(one) - Number(other))).toEqual(Array.from({ length: 16 }, (_, each) => each));
  expect(partitionsOf(17, 20)).toEqual([]);
});

test('ignores partitionBy on a sink', () => {
  const account = 'addr: "s3:9000", user: minio, password: hunter2';
  const { streams } = planOf(`
jobId: sinks
dag:
  - { id: in, type: raw-source, schema: ${schema}, ${code}, out: [sink] }
  - { id: sink, type: s3-sink, topics: "s3a://bucket", partitionBy: n, ${account} }
`);
  expect(streams[0]?.subjects).toEqual(['kflow.default.sinks.in.out']);
});
