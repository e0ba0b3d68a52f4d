import path from 'node:path';
import { Testing } from 'cdk8s';
import { parseAllDocuments } from 'yaml';
import { Flow, type FlowProps } from '../../../lib/constructs/flow';
import { FlowApp } from '../../../lib/constructs/flow-app';

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels: object };
  // biome-ignore lint/suspicious/noExplicitAny: the fields depend on the kind
  readonly [key: string]: any;
}

const source = '{ id: list, type: fs-source, format: list, addr: "s3:1", topics: "s3a://inbox", out: [map] }';
const meta = 'name: f, code: "def f(ctx, e): return e"';

function synth(text: string, props: FlowProps = {}): readonly Manifest[] {
  return Testing.synth(Flow.fromTopology(new FlowApp(), 'flow', text, props));
}

function documentOf({
  mode = 'stream',
  list = source,
  map = `{ id: map, type: raw, meta: {${meta}} }`,
  more = '',
} = {}) {
  return `jobId: job\nmode: ${mode}\n${more}\ndag:\n  - ${list}\n  - ${map}\n`;
}

function find(manifests: readonly Manifest[], kind: string, name = 'job--map'): Manifest {
  // the name of a Job ends with a hash
  const isNamed = ({ metadata }: Manifest) => metadata.name.replace(/-[0-9a-f]{8}$/, '') === name;
  const found = manifests.find((each) => each.kind === kind && isNamed(each));
  if (found === undefined) throw new Error(`no ${kind} ${name}`);
  return found;
}

const kindsOf = (manifests: readonly Manifest[]) => manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`);

describe('the objects of a flow', () => {
  test('are the service account, buckets, streams, consumers and functions, in this order', () => {
    expect(kindsOf(synth(documentOf()))).toEqual([
      'ServiceAccount job',
      'KeyValue job----state',
      'Stream job--list',
      'Stream job----dead',
      'Consumer job--list--map',
      ...['list', 'map'].flatMap((fn) =>
        ['ConfigMap', 'NetworkPolicy', 'PodDisruptionBudget', 'Deployment'].map((kind) => `${kind} job--${fn}`),
      ),
    ]);
  });

  test('have labels that select the flow and the function', () => {
    for (const manifest of synth(documentOf()))
      expect(manifest.metadata.labels).toMatchObject({ 'kflow.io/job': 'job' });
    expect(find(synth(documentOf()), 'Deployment').spec.template.metadata.labels).toMatchObject({
      'app.kubernetes.io/name': 'map',
      'app.kubernetes.io/component': 'process',
      'app.kubernetes.io/part-of': 'job',
      'kflow.io/function': 'map',
    });
  });

  test('are applied in waves: streams, then consumers, then workloads', () => {
    const waves = synth(documentOf()).map(({ kind, metadata }) => [
      kind,
      (metadata as unknown as { annotations: Record<string, string> }).annotations['argocd.argoproj.io/sync-wave'],
    ]);
    expect(waves).toContainEqual(['Stream', '0']);
    expect(waves).toContainEqual(['Consumer', '1']);
    expect(waves).toContainEqual(['Deployment', '2']);
  });
});

describe('a workload', () => {
  test('of a batch flow is an indexed Job that fails immediately on a configuration error, and without a retry with dead letters', () => {
    const { spec } = find(synth(documentOf({ mode: 'batch', more: 'parallelism: 3' })), 'Job');
    expect(spec).toMatchObject({ completionMode: 'Indexed', completions: 3, parallelism: 3, backoffLimitPerIndex: 6 });
    expect(spec.suspend).toBe(false);
    expect(spec.template.spec.restartPolicy).toBe('Never');
    const onExit = (...values: number[]) => ({ containerName: 'function', operator: 'In', values });
    expect(spec.podFailurePolicy.rules).toEqual([
      { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] },
      { action: 'Ignore', onExitCodes: onExit(143) },
      { action: 'FailJob', onExitCodes: onExit(65, 78) },
    ]);
  });

  test('of a source with replicas is a StatefulSet whose pods get their index', () => {
    const list = source.replace('format', 'parallelism: 2, format');
    const { spec } = find(synth(documentOf({ list })), 'StatefulSet', 'job--list');
    expect(spec.replicas).toBe(2);
    expect(spec.template.spec.containers[0].env).toContainEqual({
      name: 'KFLOW_REPLICA',
      valueFrom: { fieldRef: { fieldPath: "metadata.labels['apps.kubernetes.io/pod-index']" } },
    });
  });

  test.each([
    ['stream', 'Deployment', 'replicas', 0],
    ['batch', 'Job', 'suspend', true],
  ])('that is paused in %s mode has no pods', (mode, kind, key, value) => {
    const paused = `{ id: map, type: raw, parallelism: 2, meta: {${meta}, update: true, pause: true} }`;
    expect(find(synth(documentOf({ mode, map: paused })), kind).spec[key]).toBe(value);
  });

  test('rolls its pods when the spec or the code changes, but not when a Deployment scales', () => {
    const hashOf = (map: string) =>
      find(synth(documentOf({ map })), 'Deployment').spec.template.metadata.annotations['kflow.io/spec-hash'];
    const before = hashOf(`{ id: map, type: raw, meta: {${meta}} }`);
    expect(hashOf(`{ id: map, type: raw, meta: {${meta}} }`)).toBe(before);
    expect(hashOf(`{ id: map, type: raw, parallelism: 4, meta: {${meta}} }`)).toBe(before);
    const templateOf = (more: string) =>
      find(synth(documentOf({ map: `{ id: map, type: raw,${more} meta: {${meta}} }` })), 'Deployment').spec.template;
    expect(templateOf(' parallelism: 4,')).toEqual(templateOf(''));
    expect(hashOf(`{ id: map, type: raw, meta: {${meta}, threshold: 1} }`)).not.toBe(before);
    expect(hashOf(`{ id: map, type: raw, meta: {${meta.replace('return e', 'return [e]')}} }`)).not.toBe(before);
  });

  test('has its code in a readable file of the ConfigMap, not in the spec', () => {
    const { data } = find(synth(documentOf()), 'ConfigMap');
    expect(data['function.py']).toBe('def f(ctx, e): return e');
    expect(JSON.parse(data['spec.json'])).toMatchObject({ version: 1, function: 'map', codeFile: 'function.py' });
    expect(data['spec.json']).not.toContain('def f');
  });

  test.each([
    ['limits: { memory: 128Mi }', { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '128Mi' } }],
    ['requests: { memory: 2Gi }', { requests: { cpu: '100m', memory: '2Gi' }, limits: { memory: '2Gi' } }],
    ['requests: { cpu: 2 }', { requests: { cpu: '2', memory: '256Mi' }, limits: { memory: '1Gi' } }],
    ['limits: { cpu: 50m }', { requests: { cpu: '50m', memory: '256Mi' }, limits: { cpu: '50m', memory: '1Gi' } }],
  ])('with the resources %s has consistent defaults for the others', (resources, expected) => {
    const map = `{ id: map, type: raw, meta: {${meta}, container: { resources: { ${resources} } }} }`;
    const [container] = find(synth(documentOf({ map })), 'Deployment').spec.template.spec.containers;
    expect(container.resources).toEqual(expected);
  });

  test('that exceeds the size of a ConfigMap is rejected', () => {
    const map = `{ id: map, type: raw, meta: { name: f, code: "def f(): pass # ${'x'.repeat(1024 ** 2)}" } }`;
    expect(() => synth(documentOf({ map }))).toThrow(/\[flow\/map\] the spec and code of "map" have \d+ bytes/);
  });
});

describe('streams and buckets', () => {
  test('are kept when their manifests are removed', () => {
    const stream = find(synth(documentOf()), 'Stream', 'job--list');
    expect(stream.spec.preventDelete).toBe(true);
    expect(stream.metadata).toMatchObject({
      annotations: { 'argocd.argoproj.io/sync-options': 'Prune=false,Delete=false' },
    });
  });

  test('are deleted with onDelete: delete', () => {
    const manifests = synth(documentOf({ more: 'globalConfig: { stream: { onDelete: delete } }' }));
    for (const name of ['job--list', 'job----dead'])
      expect(find(manifests, 'Stream', name).spec.preventDelete).toBe(false);
    expect(find(manifests, 'Consumer', 'job--list--map').spec.preventDelete).toBe(false);
    expect(find(manifests, 'KeyValue', 'job----state').spec.preventDelete).toBe(false);
  });
});

describe('a step-by-step run', () => {
  const devStore = 'enabled: true, addr: "s3:1", topics: kflow-dev, secret: dev';
  const more = `globalConfig: { devStore: { ${devStore} } }`;

  test('has a pod for each process, which watches its folder', () => {
    const manifests = synth(documentOf({ mode: 'batch', more }), { image: 'kflow:1' });
    const deployments = manifests.filter(({ kind }) => kind === 'Deployment' || kind === 'Job');
    expect(deployments.map(({ metadata }) => metadata.name)).toEqual(['job--map']);
    const spec = JSON.parse(find(manifests, 'ConfigMap').data['spec.json']);
    expect(spec.steps).toMatchObject({
      bucket: 'kflow-dev',
      inDir: 'kflow-dev/default/job/map/in/',
      outDir: 'kflow-dev/default/job/map/out/',
    });
    const { strategy, template } = find(manifests, 'Deployment').spec;
    expect(strategy).toEqual({ type: 'Recreate' });
    const [container] = template.spec.containers;
    expect(container.image).toBe('kflow:1');
    expect(container.env).toContainEqual({
      name: 'KFLOW_DEV_PASSWORD',
      valueFrom: { secretKeyRef: { name: 'dev', key: 'password' } },
    });
  });

  test('requires an address and a bucket', () => {
    const bare = more.replace('addr: "s3:1", ', '').replace('topics: kflow-dev, ', '');
    expect(() => synth(documentOf({ more: bare }))).toThrow(/devStore has no addr[\s\S]*devStore has no topics/);
  });
});

describe('problems', () => {
  test('of all flows of an app are reported together', () => {
    const app = new FlowApp();
    Flow.fromTopology(app, 'one', documentOf({ list: source.replace('[map]', '[mapp]') }), { file: 'one.yaml' });
    Flow.fromTopology(app, 'two', documentOf({ list: source.replace('fs-source', 'fs-sauce') }), { file: 'two.yaml' });
    expect(() => app.texts()).toThrow(/\[one\] one\.yaml:5:\d+ .*did you mean "map"\?[\s\S]*\[two\] two\.yaml:5:/);
  });

  test('of missing servers and modules have a position or name the function', () => {
    const list = source.replace(' addr: "s3:1",', '');
    expect(() => synth(documentOf({ list }))).toThrow(/flow:5:5 {2}dag\[0\] {2}the S3 server is missing; add "addr/);
    const map = '{ id: map, type: raw, meta: { module: ./none.py, name: f } }';
    expect(() => synth(documentOf({ map }))).toThrow(/map: cannot read the module \.\/none\.py: no such file/);
  });
});

test('bundles a TypeScript module with its imports, and without absolute paths', () => {
  const app = new FlowApp();
  Flow.fromFile(app, 'quickstart', path.join(__dirname, '../../../examples/quickstart/topology.yaml'));
  const [text] = [...app.texts().values()];
  const config = parseAllDocuments(text ?? '')
    .map((document) => document.toJS() as Manifest)
    .find(({ kind, metadata }) => kind === 'ConfigMap' && /^quickstart--longest-\w{8}$/.test(metadata.name));
  expect(config?.data['function.js']).toContain('function keepLongest');
  expect(config?.data['function.js']).not.toContain(path.resolve(__dirname, '../../..'));
});
