import type { NatsConnection } from 'nats';
import { S3ObjectStore } from '../../../runtime/adapters/s3/object-store';
import { readEnvironment } from '../../../runtime/replica/environment';
import { hostOf, sinkContext, sourceContext, writerOf } from '../../../runtime/replica/replica-context';
import { MemoryPlace } from '../../contract/connector-suite/memory-place';
import { ManualHost, ManualPublisher } from '../../support/engine-ports';
import { HostRun, numbered, recordOf } from '../../support/host-run';
import { planOf, specOf, written } from '../plan/planned';

const schema = JSON.stringify(numbered);
const code = 'def run(ctx, event): return event';
const side = `sideOuts: [{ id: odd, schema: '${schema}', out: [read] }]`;
const plan = planOf(`
namespace: n
jobId: context
dag:
  - { id: left, type: raw-source, schema: '${schema}', meta: { name: run, code: "${code}" }, out: [fn, sink] }
  - { id: right, type: raw-source, schema: '${schema}', meta: { name: run, code: "${code}" }, out: [sink] }
  - { id: fn, type: raw, schema: '${schema}', meta: { name: run, code: "${code}" }, out: [sink], ${side} }
  - { id: sink, type: s3-sink, topics: "s3a://results/in", ${written} }
  - { id: files, type: fs-source, topics: "s3a://incoming", format: list, ${written}, out: [read] }
  - { id: read, type: raw, meta: { name: run, code: "${code}" } }
`);
const least = { KFLOW_SPEC: 'spec.json', KFLOW_NATS_URL: 'nats://nats:4222' };
const log = () => undefined;

function credentials(id: string): NodeJS.ProcessEnv {
  const { userEnv = '', passwordEnv = '' } = specOf(plan, id).endpoint ?? {};
  return { [userEnv]: 'eva', [passwordEnv]: 'hunter3' };
}

/** What the code of a function does in a replica with these variables. */
async function hostRun(functionCode: string, env: NodeJS.ProcessEnv): Promise<HostRun> {
  const run = new HostRun({});
  const environment = readEnvironment({ ...process.env, ...least, ...env });
  const links = { schemas: { schemaOf: async () => numbered } };
  const host = hostOf({ spec: { ...specOf(plan, 'fn'), code: functionCode }, environment, links, log }, run);
  await host.open();
  host.process([recordOf(0, numbered, { n: 1 })]);
  await run.until(() => run.outcomes.size === 1);
  await host.close();
  return run;
}

test.each(['true', 'True', '1'])(
  'passes a queue to the function with KFLOW_STREAM_PROCESS_FUNCTION=%s',
  async (value) => {
    const run = await hostRun('async def run(ctx, event, q):\n    await q.put(event)', {
      KFLOW_STREAM_PROCESS_FUNCTION: value,
    });
    expect(run.order).toEqual(['output 0', 'done 0']);
  },
);

test('passes the replica and the environment to the function', async () => {
  const functionCode = `import os
class run(ProcessFunction):
    def open(self, schema_in, ctx):
        print(ctx.replica, os.environ["TOKEN"])
    def process(self, event_dict, ctx):
        return None
`;
  const run = await hostRun(functionCode, { KFLOW_REPLICA: '3', TOKEN: 'secret' });
  expect(run.logs).toEqual([['INFO', '3 secret']]);
});

test('gives a source its endpoint, replica, run, notes of its listing and position', async () => {
  const saved = await new MemoryPlace().sourceState();
  await saved.nextRun();
  const publisher = new ManualPublisher();
  const connection = {} as NatsConnection; // for requests that this test does not send
  const calls: unknown[] = [];
  const state = {
    run: () => saved.run(),
    listing: (...given: readonly unknown[]) => {
      calls.push(given);
      return saved.listing(true, { replica: 2, replicas: 1 });
    },
    position: (...given: readonly unknown[]) => {
      calls.push(given);
      return saved.position(2);
    },
  };
  const environment = readEnvironment({ ...least, ...credentials('files'), KFLOW_REPLICA: '2' });
  const spec = specOf(plan, 'files');
  const context = await sourceContext(
    { spec, environment, log, links: { connection, state, publisher } },
    new ManualHost(),
  );
  expect(context).toMatchObject({ spec, replica: 2, run: 2, endpoint: { topics: 's3a://incoming' } });
  expect(context.endpoint).toHaveProperty('store', expect.any(S3ObjectStore));
  await context.listing(true);
  await context.position();
  expect(calls).toEqual([
    ['files', { replica: 2, replicas: spec.replicas }, { ever: true, publisher }],
    ['files', 2, publisher],
  ]);
  expect(await context.generate()).toEqual({ payloads: [], ended: true, isRepeatable: true });
});

/** The links of a sink that reads no record again. */
const linksWith = (manager: object) => ({ manager }) as unknown as Parameters<typeof sinkContext>[0]['links'];

test('gives a sink its endpoint, and when the stream of each input was created', async () => {
  const spec = specOf(plan, 'sink');
  const createdAt = new Map(spec.inputs.map(({ stream }, index) => [stream, `2026-11-0${index + 1}T10:00:00.000Z`]));
  const manager = { streams: { info: async (stream: string) => ({ created: createdAt.get(stream) ?? '' }) } };
  const environment = readEnvironment({ ...least, ...credentials('sink') });
  const context = await sinkContext({ spec, environment, log, links: linksWith(manager) });
  expect(context).toMatchObject({ spec, endpoint: { topics: 's3a://results/in' } });
  expect(context.inputsCreated).toEqual([...createdAt.values()].map((time) => new Date(time)));
  expect(context.inputsCreated).toHaveLength(3);
});

test('ends a function with its main output and its side outputs, and a sink with no stream', () => {
  const streams = ['kflow_n_context_fn', 'kflow_n_context_fn_odd'];
  const inputs = ['kflow_n_context_left'];
  expect(writerOf({ spec: specOf(plan, 'fn') })).toEqual({ function: 'fn', streams, inputs });
  expect(writerOf({ spec: specOf(plan, 'sink') })).toMatchObject({ function: 'sink', streams: [] });
});
