import type { FlowPlan } from '../../../lib/plan/flow-plan';
import type { PlanSettings } from '../../../lib/plan/plan-connections';
import { JetStreamFlowState } from '../../../runtime/adapters/jetstream/jetstream-flow-state';
import { StreamTrimmer } from '../../../runtime/adapters/jetstream/stream-trimmer';
import { waitFor } from '../../support/wait-for';
import { planOf, specOf } from '../../unit/plan/planned';
import { Replica, recordOf, stopReplicas, textOf, type Work } from '../engine/engine-replica';
import { JetStreamPlace } from './jetstream-place';

let place: JetStreamPlace;
let flows = 0;

beforeAll(async () => {
  place = await JetStreamPlace.start();
});
afterEach(stopReplicas);
afterAll(() => place.close());

/** Source, map and leaf in their own namespace; the leaf reads the map's output. */
function document(jobId: string, maxMsgs = 100): string {
  return `
jobId: ${jobId}
mode: batch
globalConfig: { stream: { maxMsgs: ${maxMsgs} } }
dag:
  - id: source
    type: raw-source
    schema: { type: record, name: line, fields: [] }
    meta: { language: javascript, name: lines, code: 'function lines() { return []; }' }
    out: [map]
  - { id: map, type: raw, out: [leaf] }
  - { id: leaf, type: raw }
`;
}

class Flow {
  readonly jobId = `flow${++flows}`;
  readonly plan: FlowPlan;

  constructor(settings: PlanSettings = {}) {
    this.plan = planOf(document(this.jobId), settings);
  }

  with(settings: PlanSettings): FlowPlan {
    return planOf(document(this.jobId), settings);
  }

  stream(functionId: string): string {
    return `kflow_default_${this.jobId}_${functionId}`;
  }

  async fill(texts: readonly string[]): Promise<void> {
    const subject = `kflow.default.${this.jobId}.source.out`;
    for (const text of texts) await place.connection.jetstream().publish(subject, recordOf(text));
  }

  async consumer() {
    return place.manager.consumers.info(this.stream('source'), 'map');
  }

  /** Lets the map process all pending records. */
  async work(plan = this.plan, work?: Work): Promise<void> {
    const replica = Replica.start(place, { spec: specOf(plan, 'map'), ...(work === undefined ? {} : { work }) });
    await waitFor('all is processed', async () => {
      const { num_pending, num_ack_pending } = await this.consumer();
      return num_pending === 0 && num_ack_pending === 0 && replica.idle;
    });
    await replica.stop();
  }

  async outputs(): Promise<string[]> {
    return (await place.payloads(this.stream('map'))).map(textOf);
  }
}

async function provisioned(): Promise<Flow> {
  const flow = new Flow();
  await place.streams.provision(flow.plan);
  return flow;
}

function progressOf(flow: Flow, functionId: string) {
  return place.streams.progress(flow.plan).then((all) => all.find((each) => each.function === functionId));
}

describe('provisioning', () => {
  test('updates what differs, and keeps records and ack floors', async () => {
    const flow = await provisioned();
    await flow.fill(['a', 'b']);
    await flow.work();
    await place.streams.provision(planOf(document(flow.jobId, 50)));
    const { config, state } = await place.manager.streams.info(flow.stream('source'));
    expect([config.max_msgs, state.messages, (await flow.consumer()).ack_floor.stream_seq]).toEqual([50, 2, 2]);
  });

  test('resumes after the server is killed', async () => {
    const flow = new Flow();
    const provisioning = place.streams.provision(flow.plan);
    const restarted = place.restart('SIGKILL');
    await Promise.all([provisioning, restarted]);
    await place.streams.provision(flow.plan);
    expect((await flow.consumer()).num_pending).toBe(0);
  });

  test('says what to do when the limits exceed the server storage', async () => {
    const text = document('huge').replace('maxMsgs: 100', `maxBytes: ${2 ** 51}`);
    await expect(place.streams.provision(planOf(text))).rejects.toMatchObject({
      code: 'stream-failed',
      message: expect.stringContaining('lower globalConfig.stream.maxBytes, or raise max_file_store of nats'),
    });
  });
});

describe('a run', () => {
  test('stays the same until it completes, and lists the functions that have ended', async () => {
    const flow = await provisioned();
    expect(await place.streams.beginRun(flow.plan)).toBe(1);
    const state = await JetStreamFlowState.of(place.connection, flow.plan.stateBucket);
    await state.markEnded({ function: 'source', streams: [flow.stream('source')] });
    await state.markEnded({ function: 'map', streams: [flow.stream('map')] });
    expect(await place.streams.beginRun(flow.plan)).toBe(1);
    expect(await place.streams.endedFunctions(flow.plan)).toEqual(['source', 'map']);
    await place.streams.reopen(flow.plan, ['map', 'leaf']);
    expect(await place.streams.endedFunctions(flow.plan)).toEqual(['source']);
    expect(await state.sealedAt(flow.stream('map'))).toBeUndefined();
    await place.streams.markCompleted(flow.plan);
    expect(await place.streams.beginRun(flow.plan)).toBe(2);
    expect(await place.streams.endedFunctions(flow.plan)).toEqual([]);
  });
});

describe('a rewind', () => {
  test('repeats every output within the dedupe window in a new epoch, and none in the old one', async () => {
    const flow = await provisioned();
    await flow.fill(['a', 'b', 'c']);
    await flow.work();
    await place.streams.rewind(flow.plan, { function: 'map', start: { from: 'first' } });
    await flow.work();
    expect(await flow.outputs()).toEqual(['a', 'b', 'c']);
    await place.streams.rewind(flow.plan, { function: 'map', start: { from: 'first' } });
    await flow.work(flow.with({ epochs: { map: 2 } }));
    expect(await flow.outputs()).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
  });

  test('dead-letters a record once more in a new epoch', async () => {
    const flow = await provisioned();
    const fails: Work = () => {
      throw new Error('always');
    };
    const once = (plan: FlowPlan): FlowPlan => ({
      ...plan,
      workloads: plan.workloads.map((each) => ({ ...each, spec: { ...each.spec, maxDeliver: 1 } })),
    });
    await flow.fill(['a']);
    await flow.work(once(flow.plan), fails);
    for (const epochs of [undefined, { map: 2 }]) {
      await place.streams.rewind(flow.plan, { function: 'map', start: { from: 'first' } });
      await flow.work(once(flow.with({ epochs })), fails);
    }
    expect((await progressOf(flow, 'map'))?.dead).toBe(2);
  });

  test('starts at a sequence, and progress counts from there', async () => {
    const flow = await provisioned();
    await flow.fill(['a', 'b', 'c', 'd']);
    await flow.work();
    await place.streams.rewind(flow.plan, { function: 'map', start: { from: 'sequence', sequence: 3 } });
    expect((await flow.consumer()).ack_floor.stream_seq).toBe(2);
    expect((await progressOf(flow, 'map'))?.inputs).toMatchObject([{ pending: 2, ackPending: 0, acked: 0 }]);
    await flow.work(flow.with({ epochs: { map: 2 } }));
    expect(await flow.outputs()).toEqual(['a', 'b', 'c', 'd', 'c', 'd']);
    expect((await progressOf(flow, 'map'))?.inputs).toMatchObject([{ pending: 0, ackPending: 0, acked: 2 }]);
  });

  test('starts at a time', async () => {
    const flow = await provisioned();
    await flow.fill(['a']);
    // Times have milliseconds; the second record needs a later one.
    for (const first = Date.now(); Date.now() < first + 2; ) await new Promise(setImmediate);
    await flow.fill(['b']);
    const { time } = await place.manager.streams.getMessage(flow.stream('source'), { seq: 2 });
    await flow.fill(['c']);
    await flow.work();
    await place.streams.rewind(flow.plan, { function: 'map', start: { from: 'time', time: '2100-01-01T00:00:00Z' } });
    expect((await flow.consumer()).num_pending).toBe(0);
    await place.streams.rewind(flow.plan, { function: 'map', start: { from: 'time', time: time.toISOString() } });
    expect((await flow.consumer()).num_pending).toBe(2);
  });

  test('never skips unprocessed records', async () => {
    const flow = await provisioned();
    await flow.fill(['a', 'b']);
    await flow.work();
    await flow.fill(['c', 'd']);
    for (const start of [
      { from: 'sequence', sequence: 4 },
      { from: 'time', time: '2100-01-01T00:00:00Z' },
    ] as const) {
      await place.streams.rewind(flow.plan, { function: 'map', start });
      expect((await flow.consumer()).num_pending).toBe(2);
    }
  });

  test('starts at the first record left when older ones were trimmed', async () => {
    const flow = await provisioned();
    await flow.fill(['a', 'b', 'c']);
    await flow.work();
    await place.manager.streams.purge(flow.stream('source'), { seq: 3 });
    for (const start of [{ from: 'first' }, { from: 'sequence', sequence: 1 }] as const) {
      await place.streams.rewind(flow.plan, { function: 'map', start });
      expect((await progressOf(flow, 'map'))?.inputs).toMatchObject([{ pending: 1, acked: 0 }]);
    }
  });

  test('loses nothing when it is interrupted after the deletion and repeated', async () => {
    const flow = await provisioned();
    await flow.fill(['a', 'b']);
    await flow.work();
    await flow.fill(['c']);
    // The state in between: the floor is noted, and the durable was deleted and provisioned again.
    const state = await place.connection.jetstream().views.kv(flow.plan.stateBucket);
    await state.put(`rewinding.${flow.stream('source')}.map`, '2');
    await place.manager.consumers.delete(flow.stream('source'), 'map');
    await place.streams.provision(flow.plan);
    await place.streams.rewind(flow.plan, { function: 'map', start: { from: 'sequence', sequence: 9 } });
    expect((await flow.consumer()).num_pending).toBe(1);
  });

  test('survives provisioning and a kill of the server', async () => {
    const flow = await provisioned();
    await flow.fill(['a', 'b', 'c']);
    await flow.work();
    await place.streams.rewind(flow.plan, { function: 'map', start: { from: 'sequence', sequence: 2 } });
    await place.streams.provision(flow.plan);
    await place.restart('SIGKILL');
    await place.streams.provision(flow.plan);
    expect((await progressOf(flow, 'map'))?.inputs).toMatchObject([{ pending: 2, acked: 0 }]);
  });

  test('keeps its records from being trimmed', async () => {
    const flow = await provisioned();
    await flow.fill(Array.from({ length: 90 }, (_, index) => String(index)));
    await flow.work();
    await place.streams.rewind(flow.plan, { function: 'map', start: { from: 'sequence', sequence: 4 } });
    const { output } = specOf(flow.plan, 'source');
    if (output === undefined) throw new Error('the source has no output');
    expect(await new StreamTrimmer(place.connection, output).trim()).toBe(3);
    await place.manager.consumers.delete(flow.stream('source'), 'map');
    await expect(new StreamTrimmer(place.connection, output).trim()).rejects.toThrow('consumer not found');
  });

  test('is rejected for a function without input', async () => {
    const flow = await provisioned();
    await expect(
      place.streams.rewind(flow.plan, { function: 'source', start: { from: 'first' } }),
    ).rejects.toMatchObject({
      code: 'config-invalid',
      message: `source of default/${flow.jobId} reads no stream, nothing to rewind`,
    });
  });
});

test('progress reports the records of every stream and of every reader', async () => {
  const flow = await provisioned();
  await flow.fill(['a', 'b', 'c']);
  const consumer = await place.connection.jetstream().consumers.get(flow.stream('source'), 'map');
  const held = await consumer.next();
  (await consumer.next())?.ack();
  await waitFor('one is acked', async () => (await flow.consumer()).num_ack_pending === 1);
  expect(held?.seq).toBe(1);
  const { bytes } = (await place.manager.streams.info(flow.stream('source'))).state;
  expect(await place.streams.progress(flow.plan)).toEqual([
    {
      function: 'source',
      inputs: [],
      outputs: [{ stream: flow.stream('source'), lastSequence: 3, messages: 3, bytes, usage: 0.03 }],
      dead: 0,
    },
    {
      function: 'map',
      inputs: [{ stream: flow.stream('source'), from: 'source', pending: 1, ackPending: 1, acked: 1 }],
      outputs: [{ stream: flow.stream('map'), lastSequence: 0, messages: 0, bytes: 0, usage: 0 }],
      dead: 0,
    },
    {
      function: 'leaf',
      inputs: [{ stream: flow.stream('map'), from: 'map', pending: 0, ackPending: 0, acked: 0 }],
      outputs: [],
      dead: 0,
    },
  ]);
});

test('a flow of task workers alone has neither streams nor a state bucket', async () => {
  const jobId = `flow${++flows}`;
  const worker = planOf(`
jobId: ${jobId}
mode: stream
dag: [{ id: mail, type: task-worker, tasks: { send: { code: 'def send(ctx, input): return input' } } }]
`);
  await place.streams.provision(worker);
  expect(await place.streams.beginRun(worker)).toBe(1);
  expect(await place.streams.beginRun(worker, { continues: true })).toBe(1);
  await place.streams.reopen(worker, ['mail']);
  await place.streams.markCompleted(worker);
  expect(await place.streams.endedFunctions(worker)).toEqual([]);
  expect(await place.streams.redriving(worker)).toEqual([]);
  expect(await place.streams.progress(worker)).toEqual([{ function: 'mail', inputs: [], outputs: [], dead: 0 }]);
  const made: string[] = [];
  for await (const name of place.manager.streams.names()) made.push(name);
  expect(made.filter((name) => name.includes(jobId))).toEqual([]);
  await place.streams.remove(worker);
});

test('removal deletes everything of the flow and nothing of others', async () => {
  const flow = await provisioned();
  const other = await provisioned();
  await place.streams.beginRun(flow.plan);
  await place.stream(`kflow_default_${flow.jobId}_dropped`, { subjects: [`kflow.default.${flow.jobId}.dropped.out`] });
  for (let time = 0; time < 2; time++) await place.streams.remove(flow.plan);
  const left: string[] = [];
  for await (const name of place.manager.streams.names()) left.push(name);
  expect(left.filter((name) => name.includes(`${flow.jobId}_`))).toEqual([]);
  expect(left).toEqual(expect.arrayContaining([other.stream('map'), `KV_${other.plan.stateBucket}`]));
  const progress = await place.streams.progress(flow.plan);
  expect(progress.flatMap(({ inputs, outputs }) => [...inputs, ...outputs])).toEqual([]);
  expect(progress[0]?.missing).toContain(`bucket ${flow.plan.stateBucket}`);
});
