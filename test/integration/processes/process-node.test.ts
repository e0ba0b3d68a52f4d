import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { startProcessNode } from '../../../runtime/adapters/processes/process-node';
import type { WorkloadState } from '../../../runtime/controller/ports/cluster';
import type { KubernetesObject } from '../../../runtime/controller/ports/kubernetes-object';
import { type ClusterWorkload, renderClusterWorkload } from '../../contract/cluster-workload';
import { ProcessPlace } from '../../contract/process-place';
import { waitFor } from '../../support/wait-for';

let place: ProcessPlace;
let count = 0;
let flow = { namespace: 'trial', jobId: 'flow' };
beforeAll(async () => {
  place = await ProcessPlace.open();
});
beforeEach(() => {
  flow = { namespace: 'trial', jobId: `flow-${++count}` };
});
afterAll(() => place.close());

function apply(workload: Omit<ClusterWorkload, 'function'>, ...more: readonly KubernetesObject[]): Promise<void> {
  return place.cluster.apply(flow, [...renderClusterWorkload(flow, { function: 'fn', ...workload }), ...more]);
}

/** Waits until the state of the flow's only workload meets a condition. */
function stateWhen(holds: (state: WorkloadState) => boolean): Promise<WorkloadState> {
  return waitFor(
    String(holds),
    async () => (await place.cluster.workloads(flow))[0],
    (state): state is WorkloadState => state !== undefined && holds(state),
  );
}

const phases = ({ replicas }: WorkloadState) => replicas.map(({ name, phase }) => `${name} ${phase}`);
const when = (...wanted: readonly string[]) =>
  waitFor(
    wanted.join(', '),
    async () => (await place.cluster.workloads(flow))[0],
    (state): state is WorkloadState => state !== undefined && phases(state).join() === wanted.join(),
  );

async function linesOf(replica: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of place.cluster.logs({ ...flow, function: 'fn', replica })) lines.push(line);
  return lines;
}

/** What a replica logged at each start. */
async function startsOf(replica: string): Promise<{ number: string; note: string; token?: string }[]> {
  const starts = (await linesOf(replica)).filter((line) => line.startsWith('started '));
  return starts.map((line) => JSON.parse(line.slice('started '.length)));
}

test('the metrics of all replicas are one page, on which each sample names its replica', async () => {
  await apply({ kind: 'statefulset', replicas: 2 });
  await when('fn-0 ready', 'fn-1 ready');
  const page = await waitFor(
    'the metrics of both replicas',
    () => place.cluster.metrics(),
    (text) => text.includes(`{replica="fn-1",flow="${flow.jobId}"}`),
  );
  expect(page.match(/^# .*/gm)).toEqual(['# HELP events_total Records', '# TYPE events_total counter']);
  expect(page.split('\n').filter((line) => line.includes(`flow="${flow.jobId}"`))).toEqual([
    `events_total{replica="fn-0",flow="${flow.jobId}"} 0`,
    `events_total{replica="fn-1",flow="${flow.jobId}"} 1`,
  ]);
});

describe('a replica', () => {
  it.each(['statefulset', 'job'] as const)('of a %s knows its number', async (kind) => {
    await apply({ kind, replicas: 2 });
    await when('fn-0 ready', 'fn-1 ready');
    expect(await startsOf('fn-0')).toEqual([{ number: '0', note: '' }]);
    expect(await startsOf('fn-1')).toEqual([{ number: '1', note: '' }]);
  });

  it('reads its ConfigMap as it was when the replica was started', async () => {
    await apply({ kind: 'deployment', replicas: 1, note: 'first' });
    await when('fn-0 ready');
    await apply({ kind: 'deployment', replicas: 2, note: 'second' });
    await when('fn-0 ready', 'fn-1 ready');
    expect([await startsOf('fn-0'), await startsOf('fn-1')]).toMatchObject([[{ note: 'first' }], [{ note: 'second' }]]);
  });

  it('waits for a Secret, whose file only its owner can read', async () => {
    const [config, workload] = renderClusterWorkload(flow, { kind: 'deployment', function: 'fn', replicas: 1 });
    const variable = { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'account', key: 'token' } } };
    const asking = JSON.parse(JSON.stringify(workload), (key, value) => (key === 'env' ? [...value, variable] : value));
    await place.cluster.apply(flow, [config as KubernetesObject, asking]);
    const waiting = await when('fn-0 waiting');
    expect(waiting.replicas[0]).toMatchObject({
      reason: 'CreateContainerError',
      message: 'TOKEN: Secret account or its key token not found',
      restarts: 0,
    });
    const metadata = { name: 'account', labels: workload?.metadata.labels ?? {} };
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata, data: { token: btoa('open sesame') } };
    await place.cluster.apply(flow, [secret]);
    await when('fn-0 ready');
    expect(await startsOf('fn-0')).toMatchObject([{ token: 'open sesame' }]);
    const file = path.join(place.folder, 'objects/trial/Secret/account.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('reports why it is not ready', async () => {
    await apply({ kind: 'deployment', replicas: 1 });
    await when('fn-0 ready');
    await place.behave(flow, 'fn', 'busy');
    const [replica] = (await when('fn-0 not-ready')).replicas;
    expect(replica).toMatchObject({ reason: 'NotReady', message: 'waiting for the moon' });
  });

  it('that ignores SIGTERM is killed at once by a prune that does not wait', async () => {
    await place.behave(flow, 'fn', 'linger');
    await apply({ kind: 'deployment', replicas: 1 });
    await when('fn-0 ready');
    await place.cluster.prune(flow, []);
    await when('fn-0 ending');
    await place.cluster.prune(flow, [], { now: true });
    await waitFor(
      'the replica to be gone',
      () => place.cluster.workloads(flow),
      (workloads) => workloads.length === 0,
    );
    expect(readdirSync(path.join(place.folder, 'replicas/trial/Deployment'))).not.toContain(`${flow.jobId}--fn`);
  });
});

describe('a Job', () => {
  it('that is resumed runs only the replicas that had not succeeded', async () => {
    await apply({ kind: 'job', replicas: 3 });
    await when('fn-0 ready', 'fn-1 ready', 'fn-2 ready');
    await place.behave(flow, 'fn', 'end:1');
    await when('fn-0 ready', 'fn-1 succeeded', 'fn-2 ready');
    await apply({ kind: 'job', replicas: 3, isPaused: true });
    await when('fn-1 succeeded');
    await place.behave(flow, 'fn', 'serve');
    await apply({ kind: 'job', replicas: 3 });
    await when('fn-0 ready', 'fn-1 succeeded', 'fn-2 ready');
    expect((await startsOf('fn-1')).length).toBe(1);
    await place.behave(flow, 'fn', 'end');
    expect(await stateWhen(({ outcome }) => outcome !== undefined)).toMatchObject({ outcome: 'succeeded' });
  });

  it('fails at once with the reason when a replica is misconfigured, and stops the others', async () => {
    await place.behave(flow, 'fn', 'refuse:1');
    await apply({ kind: 'job', replicas: 2 });
    const state = await stateWhen(({ outcome, replicas }) => outcome !== undefined && replicas.length === 1);
    expect(phases(state)).toEqual(['fn-1 failed']);
    expect(state.message).toMatch(/^replica 1 ended with exit 78: .*the replica was made to crash; not retried$/);
  });
});

describe('a node', () => {
  it('that restarts continues with its workloads and notifies watchers', async () => {
    await apply({ kind: 'job', replicas: 2 });
    await place.behave(flow, 'fn', 'end:0');
    const before = await when('fn-0 succeeded', 'fn-1 ready');
    const told = new Set<string>();
    const watch = await place.cluster.watch(({ jobId }) => told.add(jobId));
    await waitFor('the watch to report the flow', () => told.has(flow.jobId));
    await place.stop();
    told.clear();
    const asked = stateWhen((state) => phases(state)[1] === 'fn-1 ready');
    await place.start();
    expect((await asked).replicas[0]).toEqual(before.replicas[0]);
    await waitFor('the watch to report the flow', () => told.has(flow.jobId));
    await watch.close();
    expect((await startsOf('fn-0')).length).toBe(1);
    expect((await startsOf('fn-1')).length).toBe(2);
  });

  it('refuses a second node on its socket', async () => {
    const second = startProcessNode({ directory: place.folder, socketPath: place.socketPath, env: {} });
    await expect(second).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringContaining('is in use by another process'),
    });
    expect(existsSync(place.socketPath)).toBe(true);
    expect(await place.cluster.workloads(flow)).toEqual([]);
  });

  it('rejects an invalid manifest with a reason, and applies none of the others', async () => {
    const wrong = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'wrong' }, spec: { replicas: -1 } };
    await expect(apply({ kind: 'deployment', replicas: 1 }, wrong)).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringMatching(/^Deployment trial\/wrong: spec\.replicas: .*; spec\.template: /),
    });
    expect(await place.cluster.workloads(flow)).toEqual([]);
  });
});
