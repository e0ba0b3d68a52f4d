import { execFileSync } from 'node:child_process';
import path from 'node:path';
import type { JetStreamManager } from 'nats';
import type { FlowPlan } from '../../lib/plan/flow-plan';
import { provisionFlow } from '../../runtime/adapters/jetstream/provision';
import { nackCrdsFile } from '../../runtime/servers/nack-controller';
import { GitOpsStage } from './gitops-stage';

const root = path.join(__dirname, '../..');
const namespace = 'configured';

/** Outputs with and without limits, side outputs, two readers of one stream, and consumers with their own times. */
const document = `
jobId: all
namespace: ${namespace}
mode: stream
globalConfig:
  stream: { maxMsgs: 5000, maxBytes: 1000000 }
dag:
  - id: numbers
    type: raw-source
    schema: &n { type: record, name: n, fields: [{ name: n, type: long }] }
    meta: { name: f, code: 'def f(ctx): return {"n": 1}' }
    out: [split, leaf]
  - id: split
    type: raw
    parallelism: 3
    schema: *n
    sideOuts: [{ id: odd, schema: *n }]
    meta: { name: f, code: 'def f(ctx, event): return event' }
    out: [leaf]
  - id: leaf
    type: raw
    meta: { name: f, code: 'def f(ctx, event): return None' }
`;

let stage: GitOpsStage;

beforeAll(async () => {
  stage = await GitOpsStage.open(namespace);
});
afterAll(() => stage.close());

/** Every setting of every stream, bucket and consumer, as the server reports them, in the order of their names. */
async function configurations(manager: JetStreamManager): Promise<readonly object[]> {
  const streams = await manager.streams.list().next();
  const consumers = [];
  for (const { config } of streams) consumers.push(...(await manager.consumers.list(config.name).next()));
  const keyOf = (config: { readonly name?: string; readonly durable_name?: string }) =>
    config.name ?? config.durable_name;
  return [...streams, ...consumers]
    .map(({ config }) => withoutZeroPause(config))
    .sort((one, other) => String(keyOf(one)).localeCompare(String(keyOf(other))));
}

/** NACK sets the zero time where a consumer is not paused. */
function withoutZeroPause<T extends object>(config: T): T {
  const isZero = 'pause_until' in config && config.pause_until === '0001-01-01T00:00:00Z';
  return isZero ? { ...config, pause_until: undefined } : config;
}

test('NACK makes the streams, buckets and consumers that KFlow makes itself, in every setting', async () => {
  const application = stage.application('all', namespace);
  const plan: FlowPlan = stage.commit('all', document);
  expect((await application.sync()).phase).toBe('Succeeded');
  const manager = await stage.manager();
  const byNack = await configurations(manager);
  const bucket = 1;
  expect(byNack).toHaveLength(plan.streams.length + plan.consumers.length + bucket);

  await stage.stopNack(namespace);
  for (const { config } of await manager.streams.list().next()) await manager.streams.delete(config.name);
  await provisionFlow(manager, plan);
  expect(await configurations(manager)).toEqual(byNack);
});

test('the kinds of NACK that the constructs are generated from are those of NACK', async () => {
  const args = ['-r', 'ts-node/register/transpile-only', 'tools/imports.ts', '--against', await nackCrdsFile()];
  expect(execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' })).toBe('the fields are the same\n');
});
