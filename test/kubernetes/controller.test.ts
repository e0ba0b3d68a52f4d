import { kubernetesRules, secretRules } from '../../lib/plan/controller-requirements';
import type { RevisionView } from '../../runtime/api-contract/flow-history';
import type { FlowClient } from '../support/flow-client';
import { waitFor } from '../support/wait-for';
import { account, ControlledFlow, code } from './controlled-flow';
import { ControllerStage } from './controller-stage';
import { container, running } from './kubelet';

const namespace = 'controlled-flows';
let stage: ControllerStage;
let api: FlowClient;

beforeAll(async () => {
  stage = await ControllerStage.open(namespace);
  api = stage.api;
});
afterAll(() => stage?.close());

const flowOf = (jobId: string) => new ControlledFlow(api, namespace, jobId);

describe('a submit', () => {
  test('creates the objects of a flow, labeled and owned, in a namespace that enforces Pod Security', async () => {
    const flow = flowOf('made');
    await flow.run({ more: { globalConfig: { metrics: { enabled: true } } } });
    const objects = (await stage.objects('made')).filter(({ kind }) => kind !== 'Pod');
    const ofFunction = ['ConfigMap', 'Deployment', 'NetworkPolicy', 'PodDisruptionBudget', 'Service'];
    const expected = ['leaf', 'list', 'map'].flatMap((id) => ofFunction.map((kind) => `${kind} made--${id}`));
    const own = ['ConfigMap made----flow', 'Secret made--s3-9000', 'ServiceAccount made'];
    expect(objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort()).toEqual(
      [...expected, ...own].sort(),
    );
    const owner = objects.find(({ metadata }) => metadata.name === 'made----flow');
    for (const { metadata } of objects.filter((object) => object !== owner)) {
      expect(metadata).toMatchObject({
        labels: { 'app.kubernetes.io/managed-by': 'kflow', 'kflow.io/job': 'made' },
        ownerReferences: [{ kind: 'ConfigMap', name: 'made----flow', uid: owner?.metadata.uid }],
      });
    }
    const password = Buffer.from(account.password).toString('base64');
    expect(objects.find(({ kind }) => kind === 'Secret')).toMatchObject({ data: { password } });
    expect(JSON.stringify(objects.filter(({ kind }) => kind !== 'Secret'))).not.toContain(account.password);
  });

  test('uses credentials from existing Secrets', async () => {
    const flow = flowOf('given');
    await flow.run({ list: { secret: 'minio-account' }, map: { image: 'kflow:other' } });
    const open = flowOf('open');
    await open.run({ list: {} });
    const secretOf = async (jobId: string) => {
      const [pod] = await stage.podsOf(jobId, 'list');
      const spec = pod?.spec as { containers: { env: { name: string; valueFrom?: object }[] }[] } | undefined;
      return spec?.containers[0]?.env.find(({ name }) => name === 'KFLOW_ADDR_PASSWORD')?.valueFrom;
    };
    expect(await secretOf('given')).toEqual({ secretKeyRef: { name: 'minio-account', key: 'password' } });
    expect(await secretOf('open')).toEqual({ secretKeyRef: { name: 'open--s3-9000', key: 'password' } });
    expect((await stage.objects('given', 'Secret')).concat(await stage.objects('open', 'Secret'))).toEqual([]);
  });
});

describe('workloads that somebody changes in the cluster', () => {
  const noticesOf = async (flow: ControlledFlow) => {
    const { body } = await api.call('GET', `/kflows/v1/${flow.name}/events`);
    const notices = body as readonly { readonly what: string; readonly message?: string }[];
    return notices.filter(({ what }) => what === 'WorkloadsRestored').map(({ message }) => message);
  };
  const deploymentOf = (jobId: string, functionId: string) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: `${jobId}--${functionId}`, namespace },
  });

  test('are scaled back, deleted ones are created again, and the event log says so', async () => {
    const flow = flowOf('drifted');
    await flow.run();
    await stage.kubelet.scaleAs('kubectl', deploymentOf('drifted', 'map'), 0);
    await waitFor('scaled back', async () => (await stage.replicas('drifted')).map === 1);
    await flow.untilHealthy(({ functions }) => functions[1]?.ready === 1);
    await stage.admin.remove(deploymentOf('drifted', 'leaf'));
    await waitFor('created again', async () => (await stage.replicas('drifted')).leaf === 1);
    await flow.untilHealthy(({ functions }) => functions[2]?.ready === 1);
    const notices = await waitFor(
      'both notices',
      () => noticesOf(flow),
      ({ length }) => length >= 2,
    );
    expect(notices).toContain('changed from outside: map has 0 of 1 replicas; restored');
    expect(notices.join()).toMatch(/leaf (is missing|has 0 of 1 replicas)/);
  });

  test('are never shown as paused while they are scaled to 0', async () => {
    const flow = flowOf('drifted-shown');
    await flow.run();
    const letGo = stage.proxy.hold('patch apps/deployments');
    await stage.kubelet.scaleAs('kubectl', deploymentOf('drifted-shown', 'map'), 0);
    const { functions } = await api.until(flow.name, ({ functions }) => functions[1]?.ready === 0);
    expect(functions[1]).toMatchObject({ function: 'map', isPaused: false });
    letGo();
    await waitFor('scaled back', async () => (await stage.replicas('drifted-shown')).map === 1);
    await flow.untilHealthy();
  });

  test('are applied again when somebody edits them', async () => {
    const flow = flowOf('edited');
    await flow.run();
    const imageOf = async () => {
      const live = await stage.admin.read(deploymentOf('edited', 'map'));
      const spec = live?.spec as { template: { spec: { containers: { image: string }[] } } } | undefined;
      return spec?.template.spec.containers[0]?.image;
    };
    const image = await imageOf();
    const container = { name: 'function', image: 'registry.example.org/other:1' };
    await stage.kubelet.editAs('kubectl-set', deploymentOf('edited', 'map'), {
      template: { spec: { containers: [container] } },
    });
    const [notice] = await waitFor(
      'a notice',
      () => noticesOf(flow),
      ({ length }) => length > 0,
    );
    expect(notice).toBe('changed from outside: map was edited by kubectl-set; restored');
    await waitFor('the image of the flow', async () => (await imageOf()) === image);
    await flow.untilHealthy();
    expect(await noticesOf(flow)).toHaveLength(1);
  });

  test('are resumed when somebody suspends a Job', async () => {
    const flow = flowOf('drifted-job');
    await flow.run({ mode: 'batch' });
    const jobs = () => stage.objects('drifted-job', 'Job');
    const isSuspended = (job: object) => (job as { readonly spec: { readonly suspend?: boolean } }).spec.suspend;
    const [job] = (await jobs()).filter(({ metadata }) => metadata.labels?.['kflow.io/function'] === 'map');
    await stage.kubelet.editAs('kubectl-patch', job as NonNullable<typeof job>, { suspend: true });
    await waitFor('a notice', async () => (await noticesOf(flow)).length > 0);
    await waitFor('it runs again', async () => (await jobs()).every((each) => isSuspended(each) !== true));
    await flow.untilHealthy();
  });

  test('of a paused flow are scaled to 0 again', async () => {
    const flow = flowOf('drifted-paused');
    await flow.run();
    await flow.change('pause');
    await api.untilIn(flow.name, 'Paused');
    await stage.kubelet.scaleAs('kubectl', deploymentOf('drifted-paused', 'map'), 2);
    await waitFor('a notice', async () => (await noticesOf(flow)).length > 0);
    await waitFor('scaled to 0', async () => (await stage.replicas('drifted-paused')).map === 0);
    expect((await api.status(flow.name)).status).toBe('Paused');
  });
});

describe('pause and resume', () => {
  test('scale Deployments to zero and back, for one function or all', async () => {
    const flow = flowOf('paused');
    await flow.run();
    await flow.change('pause', { functions: ['map'] });
    await flow.untilHealthy(({ functions }) => functions[1]?.isPaused === true);
    expect(await stage.replicas('paused')).toEqual({ list: 1, map: 0, leaf: 1 });
    await flow.change('resume', { functions: ['map'] });
    await flow.untilHealthy(({ functions }) => functions[1]?.ready === 1);
    await flow.change('pause');
    await api.untilIn(flow.name, 'Paused');
    expect(await stage.replicas('paused')).toEqual({ list: 0, map: 0, leaf: 0 });
    expect(await stage.objects('paused', 'Pod')).toEqual([]);
    await flow.change('resume');
    await flow.untilHealthy();
    expect(await stage.replicas('paused')).toEqual({ list: 1, map: 1, leaf: 1 });
  });

  test('suspend the Jobs of a batch flow without counting failures', async () => {
    const flow = flowOf('suspended');
    await flow.run({ mode: 'batch' });
    await flow.change('pause');
    await api.untilIn(flow.name, 'Paused');
    const jobs = await stage.objects('suspended', 'Job');
    expect(jobs.map(({ spec }) => (spec as { suspend: boolean }).suspend)).toEqual([true, true, true]);
    expect(await stage.objects('suspended', 'Pod')).toEqual([]);
    await flow.change('resume');
    await flow.untilHealthy();
    const resumed = await stage.objects('suspended', 'Job');
    expect(resumed.map(({ metadata }) => metadata.uid)).toEqual(jobs.map(({ metadata }) => metadata.uid));
    expect(resumed.map(({ status }) => (status as { failed?: number }).failed ?? 0)).toEqual([0, 0, 0]);
  });
});

describe('scale', () => {
  test('adds replicas to a Deployment and keeps the running ones', async () => {
    const flow = flowOf('scaled');
    await flow.run();
    const before = await stage.podNames('scaled', 'map');
    await flow.change('scale', { replicas: { map: 3 } });
    await flow.untilHealthy(({ functions }) => functions[1]?.ready === 3);
    expect(await stage.podNames('scaled', 'map')).toEqual(expect.arrayContaining([...before]));
  });

  test('turns a source with several replicas into a StatefulSet, and back into a Deployment', async () => {
    const flow = flowOf('numbered');
    await flow.run();
    await flow.change('scale', { replicas: { list: 2 } });
    await flow.untilHealthy(({ functions }) => functions[0]?.ready === 2);
    expect(await stage.podNames('numbered', 'list')).toEqual(['numbered--list-0', 'numbered--list-1']);
    expect(await stage.replicas('numbered')).toEqual({ leaf: 1, map: 1 });
    await flow.change('scale', { replicas: { list: 1 } });
    await flow.untilHealthy(({ functions }) => functions[0]?.replicas === 1 && functions[0].ready === 1);
    expect(await stage.objects('numbered', 'StatefulSet')).toEqual([]);
    expect(await stage.replicas('numbered')).toEqual({ list: 1, leaf: 1, map: 1 });
  });

  test('changes the number of replicas of a Job', async () => {
    const flow = flowOf('wider');
    await flow.run({ mode: 'batch' });
    await flow.change('scale', { replicas: { map: 2 } });
    await flow.untilHealthy(({ functions }) => functions[1]?.ready === 2);
    const [job] = (await stage.objects('wider', 'Job')).filter(({ metadata }) => metadata.name === 'wider--map');
    expect(job?.spec).toMatchObject({ completions: 2, parallelism: 2 });
  });
});

describe('an update', () => {
  test('of code keeps running pods, unless it has restart: true', async () => {
    const flow = flowOf('updated');
    await flow.run();
    const before = await stage.podNames('updated', 'map');
    await flow.update({ meta: { code: `${code} # second` } });
    await flow.untilHealthy(({ revision }) => revision === 2);
    expect(await stage.podNames('updated', 'map')).toEqual(before);
    const [config] = (await stage.objects('updated', 'ConfigMap')).filter(({ metadata }) =>
      metadata.name.endsWith('--map'),
    );
    expect(config).toMatchObject({ data: { 'function.py': `${code} # second` } });
    await flow.update({ meta: { code: `${code} # third`, restart: true } });
    await waitFor('other pods', async () => {
      const names = await stage.podNames('updated', 'map');
      return names.length === 1 && names[0] !== before[0];
    });
    await flow.untilHealthy(({ revision }) => revision === 3);
  });

  test.each(['Deployment', 'StatefulSet'] as const)(
    'of a %s whose image cannot be pulled says so, and goes back',
    async (kind) => {
      const image = 'registry.invalid/none:1';
      stage.kubelet.misses(image);
      const flow = flowOf(`image-${kind.toLowerCase()}`);
      const [id, of] = kind === 'Deployment' ? (['map', 'map'] as const) : (['list', 'list'] as const);
      const list = { ...account, ...(kind === 'StatefulSet' ? { parallelism: 2, meta: { update: true } } : {}) };
      await flow.run({ list });
      await flow.update(of === 'map' ? { list, map: { image } } : { list: { ...list, image } });
      const isPull = ({ reason }: { readonly reason: string }) => reason === 'ImagePullBackOff';
      const { health } = await api.until(flow.name, (status) => status.health.problems.some(isPull));
      expect(health.problems.filter(isPull)).toEqual([
        {
          function: id,
          replica: expect.stringMatching(`^${flow.jobId}--${id}-`),
          reason: 'ImagePullBackOff',
          message: `Back-off pulling image "${image}"`,
          since: expect.stringMatching(/^\d{4}-/),
        },
      ]);
      const back = await flow.untilHealthy(({ revision }) => revision === 3);
      expect(back.reason).toMatch(/^revision 2 did not become ready: .*ImagePullBackOff: Back-off pulling image/);
      const { body } = await api.call('GET', `/kflows/v1/${flow.name}/history`);
      expect((body as RevisionView[]).map(({ cause, isProven }) => [cause, isProven])).toEqual([
        ['submit', true],
        ['update', false],
        ['auto-rollback', true],
      ]);
    },
  );
});

describe('a batch flow', () => {
  test('completes with its Jobs, which are kept for their logs until the flow is deleted', async () => {
    const flow = flowOf('done');
    await flow.run({ mode: 'batch' });
    for (const id of ['list', 'map', 'leaf']) stage.kubelet.conduct('done', id, 'end');
    await api.untilIn(flow.name, 'Completed');
    const left = (await stage.objects('done')).map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(left.filter((name) => !name.startsWith('Pod'))).toEqual([
      'ConfigMap done----flow',
      'Job done--leaf',
      'Job done--list',
      'Job done--map',
    ]);
    await flow.end();
    await api.untilIn(flow.name, 'Canceled');
    await waitFor('nothing is left', async () => (await stage.objects('done')).length === 0);
  });

  test('stays healthy while a replica that ended well waits for the end of its pod', async () => {
    const flow = flowOf('ending-well');
    await flow.run({ mode: 'batch' });
    const finishedAt = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    const terminated = { exitCode: 0, reason: 'Completed', startedAt: finishedAt, finishedAt };
    const ended = { ...container(0, false), state: { terminated } };
    stage.kubelet.conduct('ending-well', 'list', { status: running([ended], 'False') });
    const { health } = await api.until(flow.name, ({ functions }) => functions[0]?.ready === 0);
    expect(health).toEqual({ state: 'healthy', problems: [] });
    await flow.end();
  });

  test('fails with a Job, and reports the message of its pod', async () => {
    const flow = flowOf('failed');
    await flow.run({ mode: 'batch' });
    stage.kubelet.conduct('failed', 'map', 'refuse');
    const { reason } = await api.untilIn(flow.name, 'Failed');
    expect(reason).toMatch(/^map: failed--map-0-\w+: set up wrongly \(exit code 78\); PodFailurePolicy: /);
    stage.kubelet.conduct('failed', 'map', 'serve');
    await flow.run({ mode: 'batch' });
  });
});

describe('the end of a flow', () => {
  test('by a stop leaves nothing in the cluster, and a submit continues the flow', async () => {
    const flow = flowOf('stopped');
    await flow.run({ more: { globalConfig: { metrics: { enabled: true } } } });
    await flow.end('?stop=true');
    await api.untilIn(flow.name, 'Stopped');
    expect(await stage.objects('stopped')).toEqual([]);
    await flow.run({ more: { globalConfig: { metrics: { enabled: true } } } });
    expect(await api.status(flow.name)).toMatchObject({ revision: 1 });
  });

  test('by force does not wait for records in flight', async () => {
    const flow = flowOf('forced');
    await flow.run();
    stage.kubelet.hold('forced', 'map');
    await flow.end('?force=true');
    await api.untilIn(flow.name, 'Terminated');
    await waitFor('nothing is left', async () => (await stage.objects('forced')).length === 0);
  });
});

describe('the log of a replica', () => {
  test('is read and followed through the API', async () => {
    const flow = flowOf('logged');
    await flow.run();
    const lines = fetch(`${api.url}/kflows/v1/${flow.name}/logs?function=map&follow=true`).then((answer) =>
      answer.text(),
    );
    await waitFor('it is followed', async () => stage.proxy.followers > 0);
    const [pod = ''] = await stage.podNames('logged', 'map');
    stage.proxy.write(pod, 'so far so good');
    await flow.end();
    expect(await lines).toContain('so far so good');
  });
});

test('every right that `kflow install` grants is used, and none is missing', async () => {
  const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'none', namespace } };
  await stage.admin.apply({ ...quota, spec: { hard: { pods: '0' } } });
  await waitFor('the quota holds', async () => (await stage.admin.read(quota))?.status !== undefined);
  const flow = flowOf('crowded');
  await flow.submit({ mode: 'batch' });
  const isQuota = ({ message }: { readonly message: string }) => message.includes('exceeded quota');
  await api.until(flow.name, ({ health }) => health.problems.some(isQuota));
  const granted = [...kubernetesRules, ...secretRules].flatMap(({ apiGroups: [group], resources, verbs }) =>
    resources.flatMap((resource) => verbs.map((verb) => `${verb} ${group === '' ? '' : `${group}/`}${resource}`)),
  );
  expect(stage.proxy.forbidden).toEqual([]);
  expect([...new Set(granted)].filter((right) => !stage.proxy.used.has(right))).toEqual([]);
});
