import type { FlowEventView } from '../../runtime/api-contract/flow-history';
import type { FlowStatus } from '../../runtime/api-contract/flow-status';
import type { KubernetesObject } from '../../runtime/controller/ports/kubernetes-object';
import type { FlowClient } from '../support/flow-client';
import { waitFor } from '../support/wait-for';
import { ControlledFlow, topology } from './controlled-flow';
import { ControllerStage } from './controller-stage';

const namespace = 'faulty-cluster';
let stage: ControllerStage;
let api: FlowClient;

beforeAll(async () => {
  stage = await ControllerStage.open(namespace);
  api = stage.api;
});
afterAll(() => stage?.close());

const flowOf = (jobId: string) => new ControlledFlow(api, namespace, jobId);
const ownerOf = (jobId: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: `${jobId}----flow`, namespace },
});

describe('a flow whose ConfigMap somebody deletes', () => {
  test('is deleted with its data, and the ConfigMap waits for that', async () => {
    const flow = flowOf('dropped');
    await flow.run();
    const held = stage.kubelet.hold('dropped', 'map');
    await stage.admin.remove(ownerOf('dropped'));
    await api.until(flow.name, ({ status }) => status === 'Stopping');
    await waitFor('its pods end', async () => (await stage.podsOf('dropped', 'map')).length === 0);
    expect(await stage.admin.read(ownerOf('dropped'))).toBeDefined();
    held.letGo();
    await api.untilIn(flow.name, 'Canceled');
    await waitFor('nothing is left', async () => (await stage.objects('dropped')).length === 0);
    expect((await api.call('GET', `/kflows/v1/${flow.name}/history`)).body).toEqual([]);
    const events = (await api.call('GET', `/kflows/v1/${flow.name}/events?kind=audit`)).body as FlowEventView[];
    expect(events.map(({ what, by }) => `${what} by ${by}`)).toEqual(['submit by anonymous', 'delete by kubernetes']);
    await flow.run();
  });

  test('is deleted after its completion', async () => {
    const flow = flowOf('dropped-done');
    await flow.run({ mode: 'batch' });
    for (const id of ['list', 'map', 'leaf']) stage.kubelet.conduct('dropped-done', id, 'end');
    await api.untilIn(flow.name, 'Completed');
    await stage.admin.remove(ownerOf('dropped-done'));
    await api.untilIn(flow.name, 'Terminated');
    await waitFor('nothing is left', async () => (await stage.objects('dropped-done')).length === 0);
  });
});

describe('while the API server is away', () => {
  test('the status reports it, and requests are carried out when it is back', async () => {
    const [paused, updated, stopped] = [flowOf('away-paused'), flowOf('away-updated'), flowOf('away-stopped')];
    await Promise.all([paused.run(), updated.run(), stopped.run()]);
    const held = stage.kubelet.hold('away-paused', 'map');
    await paused.change('pause');
    await waitFor('it is under way', async () => (await stage.replicas('away-paused')).map === 0);
    const comeBack = await stage.proxy.goAway();
    try {
      const { status, health } = await api.status(paused.name);
      expect([status, health.state]).toEqual(['Pausing', 'unhealthy']);
      expect(health.problems[0]?.message).toMatch(/the cluster at .* is unreachable/);
      await updated.update({ map: { parallelism: 2 } });
      await stopped.end('?stop=true');
      held.letGo();
    } finally {
      await comeBack();
    }
    await api.untilIn(paused.name, 'Paused');
    await api.untilIn(stopped.name, 'Stopped');
    await updated.untilHealthy(({ functions }) => functions[1]?.ready === 2);
    await paused.change('resume');
    await paused.untilHealthy();
  });
});

describe('two controllers', () => {
  test('report the same status, and each continues requests that the other accepted', async () => {
    const other = await stage.another();
    const flow = flowOf('shared');
    await flow.run();
    const same = ({ status, revision, health, functions }: FlowStatus) => ({ status, revision, health, functions });
    expect(same(await other.api.status(flow.name))).toEqual(same(await api.status(flow.name)));
    const flows = ['one', 'two', 'three', 'four'].map((id) => new ControlledFlow(other.api, namespace, `shared-${id}`));
    await Promise.all(flows.map((each) => each.run()));
    const held = flows.map(({ jobId }) => stage.kubelet.hold(jobId, 'map'));
    await Promise.all(flows.map((each) => each.change('pause')));
    await waitFor('they are under way', async () => (await stage.replicas('shared-one')).map === 0);
    other.kill();
    for (const each of held) each.letGo();
    for (const each of flows) await api.untilIn(each.name, 'Paused');
    await Promise.all(flows.map(({ jobId }) => flowOf(jobId).change('resume')));
    await Promise.all(flows.map(({ jobId }) => flowOf(jobId).untilHealthy()));
  });
});

describe('a controller that lacks rights', () => {
  test('rejects a flow of a namespace outside its settings', async () => {
    const answer = await api.call('POST', '/kflows/v1/default/stranger', topology({}));
    expect(answer).toMatchObject({ status: 422, body: { code: 'setting-invalid' } });
    expect((answer.body as { detail: string }).detail).toContain(
      `namespace "default": this controller serves ${namespace}`,
    );
    expect((await api.call('GET', '/kflows/v1/default/stranger')).status).toBe(404);
  });

  test('fails a flow with the missing right, and runs it once the right is granted', async () => {
    const apiVersion = 'rbac.authorization.k8s.io/v1';
    const ref = { apiVersion, kind: 'RoleBinding', metadata: { name: 'kflow-controller', namespace } };
    const binding = await stage.admin.read(ref);
    await stage.admin.remove(ref);
    const flow = flowOf('powerless');
    // The server needs a moment to notice.
    const { reason } = await waitFor('the right is gone', async () => {
      await api.call('POST', `/kflows/v1/${flow.name}`, topology({}));
      const ended = await api.until(flow.name, (each) => each.status === 'Failed' || each.health.state === 'healthy');
      if (ended.status === 'Failed') return ended;
      await flow.end('?force=true');
      await api.untilIn(flow.name, 'Terminated');
      return false;
    });
    expect(reason).toMatch(/forbidden: User .*; grant this permission/);
    const { roleRef, subjects } = binding as KubernetesObject;
    await stage.admin.apply({ ...ref, roleRef, subjects });
    await flow.submit();
    await flow.untilHealthy();
  });
});
