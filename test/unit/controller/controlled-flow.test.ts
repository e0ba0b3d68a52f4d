import { renderWorkloads, specHash } from '../../../lib/constructs/controlled-flow';
import type { Manifest } from '../../../lib/constructs/manifest';
import { ConfigError } from '../../../lib/errors';
import type { FlowPlan } from '../../../lib/plan/flow-plan';
import { planOf } from '../plan/planned';

const settings = { image: 'kflow:1', natsUrl: 'nats://nats:4222' };

function planWith({
  map = 'name: f, code: "def f(ctx, e): return e"',
  account = 'user: minio, password: hunter2',
} = {}) {
  return planOf(
    `namespace: team
jobId: job
dag:
- { id: list, type: fs-source, format: list, addr: "s3:1", topics: "s3a://inbox", ${account}, out: [map] }
- { id: map, type: raw, meta: { ${map} } }
`,
    { hasClusterSecrets: true },
  );
}

const namesOf = (objects: readonly Manifest[]) => objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);

function templateHash(objects: readonly Manifest[], name: string): string | undefined {
  const found = objects.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === name);
  if (found === undefined) throw new Error(`no Deployment ${name}`);
  const { template } = found.spec as { template: { metadata: { annotations: Record<string, string> } } };
  return template.metadata.annotations['kflow.io/spec-hash'];
}

function specHashOf(plan: FlowPlan, id: string): string {
  const workload = plan.workloads.find((each) => each.function === id);
  if (workload === undefined) throw new Error(`no workload of ${id}`);
  return specHash(workload);
}

describe('what the controller applies', () => {
  const objects = renderWorkloads(planWith(), settings);

  test('is the account, the Secrets and the functions of the flow, and nothing of its streams', () => {
    expect(namesOf(objects)).toEqual([
      'ServiceAccount job',
      'Secret job--s3-1',
      ...['list', 'map'].flatMap((id) =>
        ['ConfigMap', 'NetworkPolicy', 'PodDisruptionBudget', 'Deployment'].map((kind) => `${kind} job--${id}`),
      ),
    ]);
  });

  test('is in the namespace of the flow, labelled as its own, with nothing for Argo CD', () => {
    for (const { metadata } of objects) {
      expect(metadata.namespace).toBe('team');
      expect(metadata.labels).toMatchObject({ 'app.kubernetes.io/managed-by': 'kflow', 'kflow.io/job': 'job' });
    }
    expect(JSON.stringify(objects)).not.toContain('argocd');
  });

  test('has the credentials of the document in a Secret, and nowhere else', () => {
    const secret = objects.find(({ kind }) => kind === 'Secret');
    expect(secret).toMatchObject({ type: 'Opaque', data: { user: 'bWluaW8=', password: 'aHVudGVyMg==' } });
    expect(JSON.stringify(objects)).not.toContain('hunter2');
  });

  test.each([
    ['that the document names', 'secret: given'],
    ['whose values it leaves to the cluster', 'user: minio'],
  ])('has no Secret %s', (_, account) => {
    expect(namesOf(renderWorkloads(planWith({ account }), settings)).join()).not.toContain('Secret');
  });

  test('leaves out functions that are not wanted', () => {
    expect(namesOf(renderWorkloads(planWith(), { ...settings, without: ['map'] })).join()).not.toContain('job--map');
  });

  test('is the same for the same plan', () => {
    expect(renderWorkloads(planWith(), settings)).toEqual(objects);
  });
});

test('a hash that is asked for keeps a template as it was, while its ConfigMap changes', () => {
  const [before, after] = [planWith(), planWith({ map: 'name: f, code: "def f(ctx, e): return [e]"' })];
  const hash = specHashOf(before, 'map');
  expect(specHashOf(after, 'map')).not.toBe(hash);
  expect(templateHash(renderWorkloads(after, settings), 'job--map')).toBe(specHashOf(after, 'map'));
  const asked = { ...settings, hashes: { map: hash } };
  const kept = renderWorkloads(after, asked);
  const byName = (objects: readonly Manifest[]) =>
    new Map(namesOf(objects).map((name, index) => [name, objects[index]]));
  const [was, is] = [byName(renderWorkloads(before, asked)), byName(kept)];
  expect(is.get('Deployment job--map')).toEqual(was.get('Deployment job--map'));
  expect(is.get('ConfigMap job--map')).not.toEqual(was.get('ConfigMap job--map'));
});

test('a hash that is asked for tells another image, with which a cluster starts new pods', () => {
  const hashes = { map: 'asked' };
  const hashWith = (image: string) =>
    templateHash(renderWorkloads(planWith(), { ...settings, image, hashes }), 'job--map');
  expect(hashWith('kflow:1')).toMatch(/^asked\./);
  expect(hashWith('kflow:1')).toBe(hashWith('kflow:1'));
  expect(hashWith('kflow:2')).not.toBe(hashWith('kflow:1'));
});

test('every function that no ConfigMap holds is told at once', () => {
  const code = `def f(ctx, e): return e # ${'x'.repeat(1024 ** 2)}`;
  const plan = planWith({ map: `name: f, code: "${code}"` });
  const [list, map] = plan.workloads;
  if (list === undefined || map === undefined) throw new Error('no workloads');
  const both = { ...plan, workloads: [{ ...list, spec: { ...list.spec, code } }, map] };
  const fault = (id: string) =>
    `the spec and code of "${id}" have \\d+ bytes, but a ConfigMap holds at most 1048576; put the code into an image, and set meta.module to its absolute path`;
  expect(() => renderWorkloads(both, settings)).toThrow(ConfigError);
  expect(() => renderWorkloads(both, settings)).toThrow(new RegExp(`^${fault('list')}\n${fault('map')}$`));
});
