import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubernetesObjects } from '../../runtime/adapters/kubernetes/kubernetes-objects';
import type { KubernetesObject } from '../../runtime/controller/ports/kubernetes-object';
import { waitFor } from '../support/wait-for';
import { connectCluster, installNackCrds, makeNamespace, makeRestrictedNamespace, sharedKubeconfig } from './support';

const folder = mkdtempSync(join(tmpdir(), 'kflow-kube-config-'));
const namespace = 'objects';
let cluster: KubernetesObjects;

beforeAll(async () => {
  cluster = await connectCluster();
  await makeNamespace(namespace);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function configMap(name: string, data: object, labels = {}): KubernetesObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, labels }, data };
}

function deployment(name: string, into: string, more: { annotations?: { [key: string]: string }; spec?: object } = {}) {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'registry.invalid/app:1' }] } };
  const spec = { replicas: 0, selector: { matchLabels: labels }, template, ...more.spec };
  const metadata = { name, namespace: into, annotations: more.annotations };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec };
}

const pod = (into: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'open', namespace: into },
  spec: { containers: [{ name: 'main', image: 'registry.invalid/app:1' }] },
});

describe('apply', () => {
  it('creates a missing object and returns it as the server has it', async () => {
    const { object, warnings } = await cluster.apply(configMap('made', { colour: 'grün' }));
    expect(object).toMatchObject({ kind: 'ConfigMap', data: { colour: 'grün' }, metadata: { name: 'made' } });
    expect(object.metadata.uid).toMatch(/-/);
    expect(warnings).toEqual([]);
  });

  it('does not touch an unchanged object', async () => {
    const first = await cluster.apply(configMap('same', { a: '1' }));
    const second = await cluster.apply(configMap('same', { a: '1' }));
    expect(second.object.metadata.resourceVersion).toBe(first.object.metadata.resourceVersion);
    // The controllers write the status, and so change the resource version.
    await cluster.apply(deployment('same', namespace));
    expect((await cluster.apply(deployment('same', namespace))).object.metadata).toMatchObject({ generation: 1 });
  });

  it('removes the fields that the last apply set and this one leaves out', async () => {
    await cluster.apply(configMap('shrinking', { a: '1', b: '2' }));
    expect((await cluster.apply(configMap('shrinking', { b: '2' }))).object.data).toEqual({ b: '2' });
  });

  it('changes nothing in a dry run', async () => {
    const { object } = await cluster.apply(configMap('dry', { a: '1' }), { dryRun: true });
    expect(object).toMatchObject({ data: { a: '1' } });
    expect(await cluster.read(object)).toBeUndefined();
  });

  it('uses the namespace of the context when the manifest names none', async () => {
    const { object } = await cluster.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'homeless' } });
    expect(object.metadata.namespace).toBe('default');
  });

  it('takes over fields of another field manager only by force', async () => {
    const revision = 'deployment.kubernetes.io/revision';
    await cluster.apply(deployment('owned', namespace));
    const marked = async () => (await cluster.read(deployment('owned', namespace)))?.metadata.annotations?.[revision];
    await waitFor('the controller has set a revision', marked);
    const taking = deployment('owned', namespace, { annotations: { [revision]: '7' } });
    await expect(cluster.apply(taking)).rejects.toMatchObject({
      name: 'ConfigError',
      code: 'config-invalid',
      message: expect.stringMatching(
        /^apply Deployment objects\/owned: .*conflict with "kube-controller-manager".*revision; .*with force/s,
      ),
    });
    const { object } = await cluster.apply(taking, { force: true });
    expect(object.metadata.annotations).toMatchObject({ [revision]: '7' });
  });
});

describe('a rejected manifest', () => {
  const cases: [string, () => KubernetesObject, RegExp][] = [
    ['a field its kind does not have', () => deployment('bad', namespace, { spec: { replcas: 1 } }), /\.spec\.replcas/],
    ['a field of another type', () => deployment('bad', namespace, { spec: { replicas: 'two' } }), /\.spec\.replicas/],
    ['a value that is not valid', () => configMap('Bad_Name', {}), /"Bad_Name".*metadata\.name/],
    [
      'no such namespace',
      () => deployment('bad', 'nowhere'),
      /namespaces "nowhere" not found; create the missing object/,
    ],
    [
      'a kind nobody knows',
      () => ({ ...configMap('bad', {}), apiVersion: 'toys.io/v1', kind: 'Toy' }),
      /no kind Toy of/,
    ],
  ];
  it.each(cases)('is an error that names it: %s', async (_, manifest, text) => {
    const { kind, metadata } = manifest();
    const error = await cluster.apply(manifest()).catch((reason) => reason);
    expect(error).toMatchObject({ name: 'ConfigError', code: 'config-invalid', message: expect.stringMatching(text) });
    expect(error.message).toContain(`apply ${kind} ${metadata.namespace}/${metadata.name}: `);
  });
});

describe('Pod Security', () => {
  it('rejects a pod that the namespace does not allow', async () => {
    await makeRestrictedNamespace('strict');
    await expect(cluster.apply(pod('strict'))).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringMatching(/violates PodSecurity "restricted:latest".*runAsNonRoot.*; change the object/),
    });
    expect(await cluster.read(pod('strict'))).toBeUndefined();
  });

  it('warns of a workload whose pods would be rejected', async () => {
    await makeNamespace('warning', { 'pod-security.kubernetes.io/warn': 'restricted' });
    const { warnings } = await cluster.apply(deployment('open', 'warning'));
    expect(warnings).toEqual([
      expect.stringMatching(
        /^would violate PodSecurity "restricted:latest": .*\(container "main" must set .*\["ALL"\]/,
      ),
    ]);
  });
});

describe('read, list and remove', () => {
  it('lists the matches of a label selector, in one namespace or in all', async () => {
    await makeNamespace('objects-too');
    const of = (team: string) => ({ team });
    await cluster.apply(configMap('red-1', {}, of('red')));
    await cluster.apply(configMap('blue-1', {}, of('blue')));
    const other = configMap('red-2', {}, of('red'));
    await cluster.apply({ ...other, metadata: { ...other.metadata, namespace: 'objects-too' } });
    const names = async (...where: [string?, string?]) =>
      (await cluster.list({ apiVersion: 'v1', kind: 'ConfigMap' }, ...where))
        .map(({ metadata }) => metadata.name)
        .sort();
    expect(await names(namespace, 'team=red')).toEqual(['red-1']);
    expect(await names(undefined, 'team in (red,blue)')).toEqual(['blue-1', 'red-1', 'red-2']);
    expect(await names(namespace, 'team=green')).toEqual([]);
  });

  it('lists items that can be applied and removed, more than a page of them', async () => {
    const labels = { many: 'yes' };
    const names = Array.from({ length: 510 }, (_, index) => `many-${index}`);
    await Promise.all(names.map((name) => cluster.apply(configMap(name, {}, labels))));
    const found = await cluster.list({ apiVersion: 'v1', kind: 'ConfigMap' }, namespace, 'many=yes');
    expect(found.map(({ metadata }) => metadata.name).sort()).toEqual(names.sort());
    expect(await Promise.all(found.map((object) => cluster.remove(object)))).toEqual(names.map(() => true));
    expect(await cluster.list({ apiVersion: 'v1', kind: 'ConfigMap' }, namespace, 'many=yes')).toEqual([]);
  });

  it('finds nothing of an unknown kind', async () => {
    const toy = { apiVersion: 'toys.io/v1', kind: 'Toy', metadata: { name: 'bear', namespace } };
    expect(await cluster.read(toy)).toBeUndefined();
    expect(await cluster.list(toy, namespace)).toEqual([]);
    expect(await cluster.remove(toy)).toBe(false);
    expect(await cluster.serves(toy)).toBe(false);
    expect(await cluster.serves({ apiVersion: 'v1', kind: 'Toy' })).toBe(false);
  });

  it('returns whether it removed something', async () => {
    const { object } = await cluster.apply(configMap('short-lived', {}));
    expect(await cluster.remove(object)).toBe(true);
    expect(await cluster.read(object)).toBeUndefined();
    expect(await cluster.remove(object)).toBe(false);
  });
});

describe('custom kinds', () => {
  it('are available as soon as their CRDs are installed, with defaults and strict fields', async () => {
    await installNackCrds();
    const stream = {
      apiVersion: 'jetstream.nats.io/v1beta2',
      kind: 'Stream',
      metadata: { name: 'orders', namespace },
      spec: { name: 'orders', subjects: ['orders.>'] },
    };
    expect((await cluster.apply(stream)).object.spec).toMatchObject({ subjects: ['orders.>'], retention: 'limits' });
    await expect(cluster.apply({ ...stream, spec: { ...stream.spec, subject: 'x' } })).rejects.toThrow('.spec.subject');
    expect(await cluster.list(stream, namespace)).toHaveLength(1);
  });
});

describe('access', () => {
  interface Entry {
    readonly cluster: { server: string };
    readonly user: object;
  }

  /** The shared kubeconfig with changes. */
  function kubeconfig(name: string, change: { readonly cluster?: object; readonly user?: object }): { file: string } {
    const config = JSON.parse(readFileSync(sharedKubeconfig(), 'utf8'));
    for (const key of ['cluster', 'user'] as const) {
      const entry: Entry = config[`${key}s`][0];
      Object.assign(entry[key], change[key]);
    }
    const file = join(folder, name);
    writeFileSync(file, JSON.stringify(config));
    return { file };
  }

  const reading = async (options: { file: string; context?: string }) =>
    (await KubernetesObjects.open(options)).read({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'any' } });

  it('names the URL and the context of an unreachable cluster', async () => {
    const options = kubeconfig('unreachable', { cluster: { server: 'https://127.0.0.1:1' } });
    await expect(reading(options)).rejects.toMatchObject({
      name: 'ConfigError',
      code: 'server-failed',
      message: expect.stringMatching(
        /^the cluster at https:\/\/127\.0\.0\.1:1 \(context "kflow"\) is unreachable: .*ECONNREFUSED.*; check/,
      ),
    });
  });

  it('rejects a server with an untrusted certificate', async () => {
    const options = kubeconfig('stranger', { cluster: { 'certificate-authority-data': undefined } });
    await expect(reading(options)).rejects.toThrow(/is unreachable: .*certificate/);
  });

  it('reports rejected credentials', async () => {
    await expect(reading(kubeconfig('intruder', { user: { token: 'wrong' } }))).rejects.toMatchObject({
      code: 'credentials-refused',
      message: expect.stringMatching(/Unauthorized; the server does not accept the credentials: log in again/),
    });
  });

  it('names the missing right', async () => {
    await expect(reading(kubeconfig('visitor', { user: { as: 'visitor' } }))).rejects.toMatchObject({
      code: 'permission-missing',
      message: expect.stringMatching(
        /^read Node any: .*User "visitor" cannot get resource "nodes".*; grant this permission/,
      ),
    });
  });

  it('rejects a missing kubeconfig and an unknown context', async () => {
    await expect(reading({ file: join(folder, 'none') })).rejects.toThrow(/^kubeconfig .*none: cannot read it: ENOENT/);
    await expect(reading({ file: sharedKubeconfig(), context: 'prod' })).rejects.toMatchObject({
      name: 'ConfigError',
      code: 'config-invalid',
      message: expect.stringMatching(/has no context "prod"; choose one of: kflow$/),
    });
  });
});
