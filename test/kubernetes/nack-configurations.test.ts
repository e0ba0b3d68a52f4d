import { execFileSync } from 'node:child_process';
import path from 'node:path';
import type { JetStreamManager } from 'nats';
import type { FlowPlan } from '../../lib/plan/flow-plan';
import { provisionFlow } from '../../runtime/adapters/jetstream/provision';
import { nackCrdsFile } from '../../runtime/servers/nack-controller';
import { freePort } from '../support/free-port';
import { LoginPlace } from '../support/login-place';
import { waitFor } from '../support/wait-for';
import { GitOpsStage } from './gitops-stage';
import { makeRestrictedNamespace } from './support';

const root = path.join(__dirname, '../..');

/** Outputs with and without limits, side outputs, two readers of one stream, and consumers with their own times. */
const document = (replicas: number) => `
jobId: all
namespace: configured-${replicas}
mode: stream
globalConfig:
  stream: { maxMsgs: 5000, maxBytes: 1000000, replicas: ${replicas} }
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
const others = new LoginPlace();

/** A nats of three servers. */
beforeAll(async () => {
  const ports = await Promise.all([0, 1, 2].map(freePort));
  const routes = ports.map((port) => `nats://127.0.0.1:${port}`).join(', ');
  const configs = ports.map((port, index) => [
    `server_name: nats-${index}`,
    `cluster { name: three, listen: "127.0.0.1:${port}", routes: [${routes}] }`,
  ]);
  const [first, ...more] = configs;
  stage = await GitOpsStage.openEmpty({ config: first });
  for (const [index, config] of more.entries()) await others.start(`nats-${index}`, config);
  await waitFor('the servers have a leader', async () => (await stage.manager()).getAccountInfo());
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

test.each([1, 3])(
  'NACK makes the streams, buckets and consumers that KFlow makes itself, in every setting, with %s replicas',
  async (replicas) => {
    const namespace = `configured-${replicas}`;
    await makeRestrictedNamespace(namespace);
    await stage.startNack(namespace);
    const application = stage.application('all', namespace);
    const plan: FlowPlan = stage.commit('all', document(replicas));
    expect((await application.sync()).phase).toBe('Succeeded');
    const manager = await stage.manager();
    const byNack = await configurations(manager);
    const bucket = 1;
    expect(byNack).toHaveLength(plan.streams.length + plan.consumers.length + bucket);

    await stage.stopNack(namespace);
    for (const { config } of await manager.streams.list().next()) await manager.streams.delete(config.name);
    await provisionFlow(manager, plan);
    expect(await configurations(manager)).toEqual(byNack);
    for (const { config } of await manager.streams.list().next()) await manager.streams.delete(config.name);
  },
);

test('the kinds of NACK that the constructs are generated from are those of NACK', async () => {
  const args = ['-r', 'ts-node/register/transpile-only', 'tools/imports.ts', '--against', await nackCrdsFile()];
  expect(execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' })).toBe('the fields are the same\n');
});
