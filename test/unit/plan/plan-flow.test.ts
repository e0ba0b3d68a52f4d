import { functionSpecSchema } from '../../../lib/plan/function-spec';
import { planOf, specOf, written } from './planned';

const schema = '{type: record, name: r, fields: [{name: n, type: long}]}';

/** list -> left, right -> joined -> stored; `joined` also reads a side output of `left`. */
const branches = `
namespace: team
jobId: two
mode: batch
globalConfig: {stream: {maxMsgs: 1000, maxBytes: 5000000, replicas: 3}}
dag:
  - { id: list, type: fs-source, format: list, ${written}, topics: "s3a://objects/dir", out: [left, right] }
  - id: left
    type: raw
    parallelism: 4
    groupId: lefties
    schema: ${schema}
    meta: {name: f, code: "def f(ctx, e): return e", max.poll.interval.ms: 5000, maxDeliver: 7}
    sideOuts:
      - {id: odd, schema: ${schema}, out: [joined]}
    out: [joined]
  - { id: right, type: raw, schema: ${schema}, meta: {name: f, code: "def f(ctx, e): return e"}, out: [joined] }
  - { id: joined, type: raw, schema: ${schema}, meta: {name: f, code: "def f(ctx, e): return e"}, out: [stored] }
  - { id: stored, type: s3-sink, ${written}, topics: "s3a://out/there" }
`;

const plan = planOf(branches);

test('plans a stream for each output with readers, and one for dead letters', () => {
  expect(plan.streams.map(({ name, subjects, function: writer }) => [name, ...subjects, writer])).toEqual([
    ['kflow_team_two_list', 'kflow.team.two.list.out', 'list'],
    ['kflow_team_two_left', 'kflow.team.two.left.out', 'left'],
    ['kflow_team_two_left_odd', 'kflow.team.two.left.side.odd', 'left'],
    ['kflow_team_two_right', 'kflow.team.two.right.out', 'right'],
    ['kflow_team_two_joined', 'kflow.team.two.joined.out', 'joined'],
    ['kflow_team_two__dead', 'kflow.team.two.*.dead', undefined],
  ]);
  expect(plan.stateBucket).toBe('kflow_team_two__state');
});

test('plans neither dead letters nor a state bucket for task workers alone', () => {
  const tasks = "{ send: { code: 'def send(ctx, input): return input' } }";
  const worker = `{ id: mail, type: task-worker, tasks: ${tasks} }`;
  const records = `{ id: made, type: raw-source, schema: ${schema}, meta: { name: f, code: f }, out: [map] }, { id: map, type: raw }`;
  const planned = (...dag: string[]) => planOf(`{ jobId: mails, mode: stream, dag: [${dag.join(', ')}] }`);
  expect(planned(worker)).toMatchObject({ streams: [], hasNoRecords: true });
  const mixed = planned(worker, records);
  expect(mixed.streams.map(({ role }) => role)).toEqual(['output', 'dead-letters']);
  expect(mixed.hasNoRecords).toBeUndefined();
});

test('applies the limits of a function to its streams', () => {
  expect(plan.streams[1]).toMatchObject({ maxMsgs: 1000, maxBytes: 5_000_000, replicas: 3 });
  expect(plan.streams.at(-1)).toMatchObject({ maxMsgs: -1, replicas: 3 });
});

test('plans a durable for each reader of a stream, named after its group or its id', () => {
  expect(plan.consumers.map(({ stream, durable, subject }) => [stream, durable, subject])).toEqual([
    ['kflow_team_two_list', 'lefties', 'kflow.team.two.list.out'],
    ['kflow_team_two_list', 'right', 'kflow.team.two.list.out'],
    ['kflow_team_two_left', 'joined', 'kflow.team.two.left.out'],
    ['kflow_team_two_left_odd', 'joined', 'kflow.team.two.left.side.odd'],
    ['kflow_team_two_right', 'joined', 'kflow.team.two.right.out'],
    ['kflow_team_two_joined', 'stored', 'kflow.team.two.joined.out'],
  ]);
});

test('the inputs and outputs of each function have the names of their streams and durables', () => {
  const joined = specOf(plan, 'joined');
  expect(joined.inputs.map(({ function: from, stream }) => [from, stream])).toEqual([
    ['left', 'kflow_team_two_left'],
    ['left', 'kflow_team_two_left_odd'],
    ['right', 'kflow_team_two_right'],
  ]);
  expect(joined.output).toMatchObject({ stream: 'kflow_team_two_joined', durables: ['stored'] });
  expect(specOf(plan, 'list').output?.durables).toEqual(['lefties', 'right']);
  expect(specOf(plan, 'left').sideOutputs).toMatchObject([{ id: 'odd', durables: ['joined'] }]);
  expect(specOf(plan, 'stored').output).toBeUndefined();
  expect(specOf(plan, 'left').deadLetters.subject).toBe('kflow.team.two.left.dead');
});

test('plans the stream and the consumer of every input and output', () => {
  const streams = plan.streams.map(({ name }) => name);
  const consumers = plan.consumers.map(({ stream, durable }) => `${stream} ${durable}`);
  for (const { spec } of plan.workloads) {
    const outputs = [...(spec.output === undefined ? [] : [spec.output]), ...spec.sideOutputs];
    const readers = outputs.flatMap(({ stream, durables }) => durables.map((durable) => `${stream} ${durable}`));
    expect(streams).toEqual(expect.arrayContaining([...outputs.map(({ stream }) => stream), spec.deadLetters.stream]));
    expect(consumers).toEqual(expect.arrayContaining(readers));
    expect(consumers).toEqual(expect.arrayContaining(spec.inputs.map((input) => `${input.stream} ${input.durable}`)));
  }
});

test('sets ackWait to at most the poll interval, and a dedupe window of many times ackWait', () => {
  const [left, right] = ['left', 'right'].map((id) => specOf(plan, id));
  expect(left).toMatchObject({ ackWaitMs: 5_000, maxPollIntervalMs: 5_000, maxDeliver: 7 });
  expect(right).toMatchObject({ ackWaitMs: 15_000, maxPollIntervalMs: 120_000, maxDeliver: 5 });
  expect([left?.output?.dedupeWindowMs, right?.output?.dedupeWindowMs]).toEqual([60_000, 120_000]);
  expect(plan.consumers.find(({ durable }) => durable === 'lefties')?.ackWaitMs).toBe(5_000);
  expect(plan.streams[1]?.dedupeWindowMs).toBe(60_000);
});

test('plans a Job for a function that ends, and a Deployment for one that does not', () => {
  const raw = 'meta: {name: f, code: "def f(): return []"}';
  const endless = planOf(`
mode: batch
dag:
  - { id: numbers, type: raw-source, schema: ${schema}, ${raw}, out: [end] }
  - { id: end, type: raw, meta: {name: f, code: "def f(ctx, e): return e"} }
`);
  expect(endless.workloads.map(({ function: id, kind }) => [id, kind])).toEqual([
    ['numbers', 'deployment'],
    ['end', 'job'],
  ]);
  expect(plan.workloads.map(({ name, kind, replicas }) => [name, kind, replicas])).toEqual([
    ['two--list', 'job', 1],
    ['two--left', 'job', 4],
    ['two--right', 'job', 1],
    ['two--joined', 'job', 1],
    ['two--stored', 'job', 1],
  ]);
  const stream = planOf(branches.replace('mode: batch', 'mode: stream'));
  expect(stream.workloads.map(({ kind }) => kind)).toEqual(Array(5).fill('deployment'));
});

test('gives each function its own epoch, and none to functions that have never re-read their input', () => {
  const { workloads } = planOf(branches, { epochs: { right: 0, left: 1, joined: 2 } });
  expect(workloads.map(({ function: id, spec }) => [id, spec.epoch])).toEqual([
    ['list', undefined],
    ['left', 1],
    ['right', undefined],
    ['joined', 2],
    ['stored', undefined],
  ]);
});

test('deletes a consumer with the stream that it reads, whatever happens to the stream of its function', () => {
  const onDelete = 'globalConfig: {stream: {onDelete: delete}}';
  const { consumers, streams } = planOf(branches.replace('id: right,', `id: right, ${onDelete},`));
  const deleted = consumers.filter((consumer) => consumer.onDelete === 'delete');
  expect(deleted.map(({ stream }) => stream)).toEqual(['kflow_team_two_right']);
  expect(streams.filter((stream) => stream.onDelete === 'delete').map(({ name }) => name)).toEqual([
    'kflow_team_two_right',
  ]);
});

test('pauses a function only if it allows updates', () => {
  const paused = (settings: string) =>
    planOf(branches.replace('maxDeliver: 7', `maxDeliver: 7, ${settings}`))
      .workloads.filter(({ isPaused }) => isPaused)
      .map(({ function: id }) => id);
  expect(paused('pause: true')).toEqual([]);
  expect(paused('update: true')).toEqual([]);
  expect(paused('update: true, pause: true')).toEqual(['left']);
});

test('plans every folder of a bucket that functions use, each once', () => {
  const sink = (id: string, folder: string) =>
    `  - { id: ${id}, type: s3-sink, ${written}, topics: "s3a://out/${folder}" }\n`;
  const more = sink('again', 'there') + sink('elsewhere', 'here');
  const { buckets } = planOf(`${branches.replace('out: [stored]', 'out: [stored, again, elsewhere]')}${more}`);
  expect(buckets.map(({ bucket, prefix, role }) => [bucket, prefix, role])).toEqual([
    ['objects', 'dir', 'source'],
    ['out', 'there', 'sink'],
    ['out', 'here', 'sink'],
  ]);
});

test('plans the same document to the same bytes', () => {
  expect(JSON.stringify(planOf(branches))).toBe(JSON.stringify(plan));
});

test('plans specs that a replica parses to equal specs', () => {
  for (const { spec } of plan.workloads) {
    expect(functionSpecSchema.parse(JSON.parse(JSON.stringify(spec)))).toEqual(spec);
  }
});

test('the setting streamReplicas overrides the stream replicas of the document', () => {
  const text = `
globalConfig: { stream: { replicas: 3 } }
dag:
  - { id: a, type: raw-source, image: a:1, schema: { type: record, name: r, fields: [] }, out: [b] }
  - { id: b, type: raw, image: b:1 }
`;
  expect(planOf(text).streams.map(({ replicas }) => replicas)).toEqual([3, 3]);
  expect(planOf(text, { streamReplicas: 1 }).streams.map(({ replicas }) => replicas)).toEqual([1, 1]);
});
