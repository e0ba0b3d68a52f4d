import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { ApiObject, type App, Chart, Size, Testing } from 'cdk8s';
import * as kplus from 'cdk8s-plus-28';
import { ControllerInstall } from '../../../lib/constructs/controller/controller-install';
import { Flow, type FlowProps } from '../../../lib/constructs/flow';
import { FlowApp } from '../../../lib/constructs/flow-app';
import type { ContainerOptions } from '../../../lib/define/cdk8s-options';
import { defineFlow } from '../../../lib/define/flow-definition';
import type { FunctionOptions } from '../../../lib/define/flow-options';
import { python } from '../../../lib/define/function-code';

const root = path.join(__dirname, '../../..');

interface Pod {
  readonly serviceAccountName: string;
  readonly containers: readonly {
    readonly env: readonly { readonly name: string }[];
    readonly resources: object;
    readonly volumeMounts: readonly object[];
  }[];
  readonly volumes: readonly { readonly name: string }[];
}

/** An app with a chart for the objects that a flow uses. */
function startApp(): { app: FlowApp; base: Chart } {
  const app = new FlowApp();
  return { app, base: new Chart(app, 'base', { namespace: 'default' }) };
}

/** A flow of a source and a process. */
function addFlow(
  app: App,
  { container, list, ...props }: FlowProps & { container?: ContainerOptions; list?: Partial<FunctionOptions> },
): Flow {
  const flow = defineFlow({ jobId: 'job' });
  const from = flow.fsSource('list', { addr: 's3:9000', topics: 's3a://inbox', ...list });
  flow.process('map', { from, run: python('f', 'def f(ctx, e): return e'), meta: { container } });
  return Flow.fromDefinition(app, 'flow', flow, props);
}

function podOf(flow: Flow, name = 'job--map'): Pod {
  const deployment = Testing.synth(flow).find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === name);
  return deployment.spec.template.spec;
}

const functionOf = (flow: Flow, name?: string) => podOf(flow, name).containers[0] as Pod['containers'][0];

describe('a Secret of cdk8s-plus', () => {
  test('provides the credentials of a server under the name that cdk8s generates', () => {
    const { app, base } = startApp();
    const secret = new kplus.Secret(base, 'minio', { stringData: { user: 'u', password: 'p' } });
    const flow = addFlow(app, { list: { secret } });
    expect(secret.name).toMatch(/^base-minio-c[0-9a-f]{7}$/);
    expect(functionOf(flow, 'job--list').env).toContainEqual({
      name: 'KFLOW_ADDR_PASSWORD',
      valueFrom: { secretKeyRef: { name: secret.name, key: 'password' } },
    });
  });

  test('may already exist in the cluster', () => {
    const { app, base } = startApp();
    const flow = addFlow(app, { list: { secret: kplus.Secret.fromSecretName(base, 'minio', 'minio') } });
    expect(functionOf(flow, 'job--list').env).toContainEqual({
      name: 'KFLOW_ADDR_USER',
      valueFrom: { secretKeyRef: { name: 'minio', key: 'user' } },
    });
    expect(flow.node.dependencies).toEqual([]);
  });

  test('is accepted for every store, also in a document given as an object', () => {
    const { app, base } = startApp();
    const secret = kplus.Secret.fromSecretName(base, 'minio', 'minio');
    const flow = Flow.fromTopology(app, 'flow', {
      jobId: 'job',
      globalConfig: { messageStore: { topics: 'big', addr: 's3:9000', secret, maxPayloadSize: Size.kibibytes(64) } },
      dag: [
        { id: 'list', type: 'fs-source', format: 'list', addr: 's3:9000', topics: 's3a://inbox', secret, out: ['map'] },
        {
          id: 'map',
          type: 'raw',
          globalConfig: { messageStore: { enabled: true } },
          meta: { name: 'f', code: 'def f(): pass' },
        },
      ],
    });
    Testing.synth(flow);
    expect(flow.plan?.secrets.map(({ name }) => name)).toEqual(['minio']);
    expect(flow.plan?.workloads[1]?.spec.messageStore).toMatchObject({ maxPayloadSize: 65_536 });
  });

  test('without the keys user and password fails the synthesis', () => {
    const { app, base } = startApp();
    const secret = new kplus.BasicAuthSecret(base, 'minio', { username: 'u', password: 'p' });
    addFlow(app, { list: { secret } });
    expect(() => app.synthYaml()).toThrow(
      `[flow] the Secret "${secret.name}" has no key "user"; its keys are password, username`,
    );
  });

  test('in another namespace fails the synthesis', () => {
    const { app } = startApp();
    const secret = new kplus.Secret(new Chart(app, 'other', { namespace: 'other' }), 'minio', {
      stringData: { user: 'u', password: 'p' },
    });
    addFlow(app, { list: { secret } });
    expect(() => app.synthYaml()).toThrow('is in the namespace "other"; pods in "default" cannot use it');
  });
});

test('image pull secrets, accounts and sources of variables are accepted as objects, and emitted before the flow', () => {
  const { app, base } = startApp();
  const registry = new kplus.DockerConfigSecret(base, 'registry', { data: {} });
  const platform = kplus.Secret.fromSecretName(base, 'platform', 'platform');
  const account = new kplus.ServiceAccount(base, 'account');
  const db = new kplus.Secret(base, 'db', { stringData: { password: 'p' } });
  const vars = new kplus.ConfigMap(base, 'vars', { data: { A: '1' } });
  const flow = addFlow(app, {
    imagePullSecrets: [platform],
    container: {
      imagePullSecrets: [registry],
      serviceAccountName: account,
      envFrom: [{ secretRef: { name: db }, prefix: 'DB_' }, { configMapRef: { name: vars } }],
    },
  });
  expect(podOf(flow)).toMatchObject({
    imagePullSecrets: [{ name: 'platform' }, { name: registry.name }],
    serviceAccountName: account.name,
  });
  expect(functionOf(flow)).toMatchObject({
    envFrom: [{ secretRef: { name: db.name }, prefix: 'DB_' }, { configMapRef: { name: vars.name } }],
  });
  const required = flow.node.dependencies.filter(ApiObject.isApiObject).map(({ name }) => name);
  expect(required).toEqual(expect.arrayContaining([registry, account, db, vars].map(({ name }) => name)));
});

test('`container` of a typed flow accepts the same objects as that of a function', () => {
  const { app, base } = startApp();
  const registry = new kplus.DockerConfigSecret(base, 'registry', { data: {} });
  const definition = defineFlow({ jobId: 'job', container: { imagePullSecrets: [registry] } });
  const from = definition.fsSource('list', { addr: 's3:9000', topics: 's3a://inbox' });
  definition.process('map', { from, run: python('f', 'def f(ctx, e): return e') });
  const flow = Flow.fromDefinition(app, 'flow', definition);
  expect(podOf(flow, 'job--list')).toMatchObject({ imagePullSecrets: [{ name: registry.name }] });
});

test('emits the objects that a flow refers to before the flow, whatever the order of the charts', () => {
  const app = new FlowApp();
  const base = new Chart(app, 'z-base', { namespace: 'default' });
  const token = new kplus.Secret(base, 'token', { stringData: { key: 't' } });
  const lookup = new kplus.ConfigMap(base, 'lookup', { data: { a: '1' } });
  const account = new kplus.ServiceAccount(base, 'account');
  const flow = addFlow(app, {
    serviceAccount: account,
    container: {
      env: [{ name: 'TOKEN', value: token.envValue('key') }],
      volumeMounts: [{ volume: kplus.Volume.fromConfigMap(base, 'volume', lookup), path: '/lookup' }],
    },
  });
  const required = flow.node.dependencies.filter(ApiObject.isApiObject).map(({ name }) => name);
  expect([...required].sort()).toEqual([account.name, lookup.name, token.name].sort());
  expect(app.charts.indexOf(base)).toBeLessThan(app.charts.indexOf(flow));
});

test('a flow inside the chart of its Secret synthesizes', () => {
  const { app, base } = startApp();
  const secret = new kplus.Secret(base, 'minio', { stringData: { user: 'u', password: 'p' } });
  const document = {
    jobId: 'job',
    dag: [
      { id: 'list', type: 'fs-source', format: 'list', addr: 's3:9000', topics: 's3a://inbox', secret, out: ['map'] },
      { id: 'map', type: 'raw', meta: { name: 'f', code: 'def f(): pass' } },
    ],
  };
  Flow.fromTopology(base, 'flow', document);
  expect(app.synthYaml()).toContain(`name: ${secret.name}`);
});

test('a given ServiceAccount replaces the one that the flow creates', () => {
  const { app, base } = startApp();
  const account = new kplus.ServiceAccount(base, 'account');
  const flow = addFlow(app, { serviceAccount: account });
  expect(podOf(flow).serviceAccountName).toBe(account.name);
  expect(Testing.synth(flow).map(({ kind }) => kind)).not.toContain('ServiceAccount');
  const named = addFlow(new FlowApp(), { serviceAccount: 'reader' });
  expect(podOf(named).serviceAccountName).toBe('reader');
});

describe('quantities', () => {
  test.each([
    [Size.mebibytes(1536), '1536Mi'],
    [Size.gibibytes(1.5), '1.5Gi'],
    [Size.kibibytes(1_048_577), '1048577Ki'],
    [Size.tebibytes(2), '2Ti'],
  ])('a Size is rendered without loss of precision: %#', (memory, expected) => {
    const flow = addFlow(new FlowApp(), {
      container: { resources: { limits: { memory, 'ephemeral-storage': memory } } },
    });
    expect(functionOf(flow).resources).toMatchObject({ limits: { memory: expected, 'ephemeral-storage': expected } });
  });

  test.each([
    [kplus.Cpu.millis(250), '250m'],
    [kplus.Cpu.units(1.5), '1.5'],
  ])('a Cpu is rendered as a quantity: %#', (cpu, expected) => {
    const flow = addFlow(new FlowApp(), { container: { resources: { requests: { cpu }, limits: { cpu } } } });
    expect(functionOf(flow).resources).toMatchObject({ requests: { cpu: expected }, limits: { cpu: expected } });
  });

  test('limits of streams and payloads convert a Size to bytes', () => {
    const document = defineFlow({
      jobId: 'job',
      stream: { maxBytes: Size.gibibytes(2) },
      messageStore: { maxPayloadSize: Size.kibibytes(0.5) },
    }).document();
    expect(document.globalConfig).toEqual({
      stream: { maxBytes: 2_147_483_648 },
      messageStore: { maxPayloadSize: 512 },
    });
  });

  test('sizes with a fraction of a byte and units of the wrong resource are reported together', () => {
    const requests = { cpu: Size.mebibytes(1) as unknown as string, memory: kplus.Cpu.millis(1) as unknown as string };
    const limits = { memory: Size.kibibytes(0.3) };
    expect(() => addFlow(new FlowApp(), { container: { resources: { requests, limits } } })).toThrow(
      [
        'map: meta.container.resources.requests.cpu: Size is not accepted here',
        'map: meta.container.resources.requests.memory: Cpu is not accepted here',
        'map: meta.container.resources.limits.memory: 0.3Ki is not a whole number of bytes',
      ].join('\n'),
    );
  });
});

describe('an EnvValue', () => {
  const { base } = startApp();
  const secret = kplus.Secret.fromSecretName(base, 'secret', 'tokens');
  const lookup = kplus.ConfigMap.fromConfigMapName(base, 'lookup', 'lookup');

  test.each<[string, kplus.EnvValue, object]>([
    ['fromValue', kplus.EnvValue.fromValue('v'), { value: 'v' }],
    [
      'fromSecretValue',
      kplus.EnvValue.fromSecretValue({ secret, key: 'k' }, { optional: true }),
      { valueFrom: { secretKeyRef: { name: 'tokens', key: 'k', optional: true } } },
    ],
    [
      'fromConfigMap',
      kplus.EnvValue.fromConfigMap(lookup, 'k'),
      { valueFrom: { configMapKeyRef: { name: 'lookup', key: 'k' } } },
    ],
    [
      'fromFieldRef',
      kplus.EnvValue.fromFieldRef(kplus.EnvFieldPaths.POD_LABEL, { key: 'zone' }),
      { valueFrom: { fieldRef: { fieldPath: "metadata.labels['zone']" } } },
    ],
    [
      'fromResource',
      kplus.EnvValue.fromResource(kplus.ResourceFieldPaths.MEMORY_LIMIT, { divisor: '1Mi' }),
      { valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
    ],
  ])('%s becomes an environment variable of the function', (_title, value, expected) => {
    const flow = addFlow(new FlowApp(), { container: { env: [{ name: 'X', value }] } });
    expect(functionOf(flow).env).toContainEqual({ name: 'X', ...expected });
  });

  test('fromProcess copies a variable of the current process, and has no value if the variable is unset', () => {
    process.env.KFLOW_TEST_VARIABLE = 'here';
    const env = ['KFLOW_TEST_VARIABLE', 'KFLOW_TEST_ABSENT'].map((name) => ({
      name,
      value: kplus.EnvValue.fromProcess(name),
    }));
    delete process.env.KFLOW_TEST_VARIABLE;
    const variables = functionOf(addFlow(new FlowApp(), { container: { env } })).env;
    expect(variables.filter(({ name }) => name.startsWith('KFLOW_TEST'))).toEqual([
      { name: 'KFLOW_TEST_VARIABLE', value: 'here' },
      { name: 'KFLOW_TEST_ABSENT' },
    ]);
  });

  test('becomes an environment variable of a sidecar', () => {
    const env = [{ name: 'X', value: secret.envValue('k') }];
    const flow = addFlow(new FlowApp(), { container: { sidecars: [{ name: 'proxy', image: 'proxy:1', env }] } });
    expect(podOf(flow)).toMatchObject({
      initContainers: [{ env: [{ name: 'X', valueFrom: { secretKeyRef: { name: 'tokens', key: 'k' } } }] }],
    });
  });

  test('that refers to a container outside the pod is rejected', () => {
    const container = new kplus.Pod(base, 'pod').addContainer({ image: 'other:1', name: 'other' });
    const value = kplus.EnvValue.fromResource(kplus.ResourceFieldPaths.CPU_LIMIT, { container });
    expect(() => addFlow(new FlowApp(), { container: { env: [{ name: 'X', value }] } })).toThrow(
      'map: meta.container.env[0].value: the container "other" is not part of the pod; leave out the container',
    );
  });

  test('is rejected outside env', () => {
    const flow = defineFlow({ jobId: 'job' });
    flow.rawSource('make', {
      writes: undefined as never,
      meta: { token: kplus.EnvValue.fromValue('v') },
      image: 'make:1',
    });
    expect(() => flow.document()).toThrow('make: meta.token: EnvValue is not accepted here');
  });
});

describe('a mounted volume', () => {
  test('is added to the pod once', () => {
    const { app, base } = startApp();
    const lookup = new kplus.ConfigMap(base, 'lookup', { data: { 'a.txt': '1' } });
    const volume = kplus.Volume.fromConfigMap(base, 'volume', lookup, {
      name: 'lookup',
      items: { 'a.txt': { path: 'b' } },
    });
    const flow = addFlow(app, {
      container: {
        volumeMounts: [
          { volume, path: '/one', readOnly: true },
          { volume, path: '/two', subPath: 'b', propagation: kplus.MountPropagation.NONE },
        ],
      },
    });
    expect(podOf(flow).volumes.filter(({ name }) => name === 'lookup')).toEqual([
      { name: 'lookup', configMap: { name: lookup.name, items: [{ key: 'a.txt', path: 'b' }] } },
    ]);
    expect(functionOf(flow).volumeMounts).toEqual(
      expect.arrayContaining([
        { name: 'lookup', mountPath: '/one', readOnly: true },
        { name: 'lookup', mountPath: '/two', subPath: 'b', mountPropagation: 'None' },
      ]),
    );
  });

  test('may be a ConfigMap, a Secret or a PersistentVolumeClaim', () => {
    const { app, base } = startApp();
    const claim = kplus.PersistentVolumeClaim.fromClaimName(base, 'claim', 'models');
    const container: ContainerOptions = {
      volumes: [kplus.Volume.fromEmptyDir(base, 'scratch', 'scratch', { sizeLimit: Size.gibibytes(2) })],
      volumeMounts: [
        { volume: kplus.ConfigMap.fromConfigMapName(base, 'lookup', 'lookup'), path: '/lookup' },
        { volume: kplus.Secret.fromSecretName(base, 'keys', 'keys'), path: '/keys' },
        { volume: claim, path: '/models' },
        { name: 'scratch', mountPath: '/scratch' },
      ],
    };
    expect(podOf(addFlow(app, { container })).volumes.slice(2)).toEqual([
      { name: 'scratch', emptyDir: { sizeLimit: '2048Mi' } },
      { name: 'configmap-lookup', configMap: { name: 'lookup' } },
      { name: 'secret-keys', secret: { secretName: 'keys' } },
      { name: 'pvc-models', persistentVolumeClaim: { claimName: 'models' } },
    ]);
  });

  test('with a host path is rejected, as in any document', () => {
    const { app, base } = startApp();
    const volume = kplus.Volume.fromHostPath(base, 'host', 'host', { path: '/var' });
    addFlow(app, { container: { volumeMounts: [{ volume, path: '/host' }] } });
    expect(() => app.synthYaml()).toThrow(/container\.volumes\[0\]\.hostPath/);
  });

  test('with a missing key fails the synthesis', () => {
    const { app, base } = startApp();
    const lookup = new kplus.ConfigMap(base, 'lookup', { data: { 'a.txt': '1' } });
    const volume = kplus.Volume.fromConfigMap(base, 'volume', lookup, { items: { 'b.txt': { path: 'b' } } });
    addFlow(app, { container: { volumeMounts: [{ volume, path: '/one' }] } });
    expect(() => app.synthYaml()).toThrow(`the ConfigMap "${lookup.name}" has no key "b.txt"; its keys are a.txt`);
  });
});

test('an object of the wrong kind is rejected', () => {
  const { app, base } = startApp();
  const lookup = new kplus.ConfigMap(base, 'lookup');
  // @ts-expect-error a ConfigMap is not a Secret
  expect(() => addFlow(app, { list: { secret: lookup } })).toThrow('list: secret: ConfigMap is not accepted here');
});

test('a controller mounts its tokens and settings from Secrets of cdk8s-plus', () => {
  const app = new FlowApp();
  const base = new Chart(app, 'base', { namespace: 'kflow' });
  const tokens = new kplus.Secret(base, 'tokens', { stringData: { 'tokens.yaml': '[]' } });
  const settings = kplus.Secret.fromSecretName(base, 'settings', 'settings');
  const install = new ControllerInstall(app, 'controller', {
    access: { kind: 'tokens', secret: tokens },
    settingsSecret: settings,
    natsUrl: 'nats://nats.nats.svc:4222',
    temporalAddress: 'temporal.temporal.svc:7233',
  });
  const { volumes } = Testing.synth(install).find(({ kind }) => kind === 'Deployment').spec.template.spec;
  expect(volumes).toContainEqual({ name: 'access', secret: { secretName: tokens.name } });
  expect(volumes).toContainEqual({ name: 'secrets', secret: { secretName: 'settings' } });
  expect(app.charts.indexOf(base)).toBeLessThan(app.charts.indexOf(install));
});

test('neither the library nor the CLI loads cdk8s-plus', () => {
  const parts = ['lib/index', 'lib/constructs/index', 'lib/topology/read-topology'];
  const program = `
    process.argv = ['node', 'kflow', '--help'];
    process.on('exit', () => {
      const count = (part) => Object.keys(require.cache).filter((file) => file.includes(part)).length;
      process.stderr.write(JSON.stringify({ cdk8s: count('/node_modules/cdk8s/') > 0, plus: count('cdk8s-plus') }));
    });
    for (const file of ${JSON.stringify([...parts, 'runtime/cli/main'])}) require('./' + file + '.ts');
  `;
  const run = spawnSync(process.execPath, ['-r', 'ts-node/register', '-e', program], { cwd: root, encoding: 'utf8' });
  expect({ status: run.status, stderr: run.stderr }).toEqual({ status: 0, stderr: '{"cdk8s":true,"plus":0}' });
});
