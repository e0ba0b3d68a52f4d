import { ApiObject, App, JsonPatch, Testing } from 'cdk8s';
import { renderWorkloads } from '../../../../lib/constructs/controlled-flow';
import { Flow, type FlowProps } from '../../../../lib/constructs/flow';
import { FlowApp } from '../../../../lib/constructs/flow-app';
import { planOf } from '../../plan/planned';

// biome-ignore lint/suspicious/noExplicitAny: the fields depend on the kind
type Manifest = any;

const code = 'def f(ctx, e): return e';

function documentOf(map: object = {}, id = 'map'): string {
  return JSON.stringify({
    jobId: 'job',
    mode: 'batch',
    dag: [
      { id: 'list', type: 'fs-source', format: 'list', addr: 's3:1', topics: 's3a://inbox', out: [id] },
      { id, type: 'raw', ...map, meta: { name: 'f', code, update: true, ...(map as { meta?: object }).meta } },
    ],
  });
}

interface Named {
  readonly job: Manifest;
  readonly config: Manifest;
}

function jobOf(document: string, { props = {}, id = 'map' }: { props?: FlowProps; id?: string } = {}): Named {
  const objects: readonly Manifest[] = Testing.synth(Flow.fromTopology(new FlowApp(), 'flow', document, props));
  const find = (kind: string) =>
    objects.find((object) => object.kind === kind && object.metadata.labels['kflow.io/function'] === id);
  return { job: find('Job'), config: find('ConfigMap') };
}

test('a Job and its ConfigMap have names that end with the same hash, and the pods mount this ConfigMap', () => {
  const { job, config } = jobOf(documentOf());
  expect(job.metadata.name).toMatch(/^job--map-[0-9a-f]{8}$/);
  expect(config.metadata.name).toBe(job.metadata.name);
  expect(job.spec.template.spec.volumes[0]).toEqual({ name: 'spec', configMap: { name: config.metadata.name } });
  expect(job.metadata.annotations).toEqual({ 'argocd.argoproj.io/sync-wave': '2' });
});

describe('the name of a Job', () => {
  const before = jobOf(documentOf()).job.metadata.name;
  const nameOf = (map: object, props?: FlowProps) => jobOf(documentOf(map), { props }).job.metadata.name;

  test.each<[string, object, FlowProps]>([
    ['code', { meta: { code: `${code} # changed` } }, {}],
    ['number of replicas', { parallelism: 3 }, {}],
    ['image', { image: 'other:1' }, {}],
    ['runtime image', {}, { image: 'kflow:2' }],
    ['variable', { meta: { container: { env: [{ name: 'A', value: '1' }] } } }, {}],
    ['place of nats', {}, { natsUrl: 'nats://other:4222' }],
    ['schema', { schema: { type: 'record', name: 'r', fields: [] } }, {}],
  ])('is another with another %s', (_title, map, props) => {
    expect(nameOf(map, props)).toMatch(/^job--map-[0-9a-f]{8}$/);
    expect(nameOf(map, props)).not.toBe(before);
  });

  test('stays while the function is paused, because a Job can be suspended in place', () => {
    const paused = jobOf(documentOf({ meta: { pause: true } })).job;
    expect(paused.spec.suspend).toBe(true);
    expect(paused.metadata.name).toBe(before);
  });

  test('has at most 57 characters, however long those of flow and function are', () => {
    const [one, other] = ['a', 'b'].map((last) => {
      const id = `${'x'.repeat(42)}-${last.repeat(4)}`;
      const { job, config } = jobOf(documentOf({}, id), { id });
      return [job.metadata.name, config.metadata.name];
    });
    expect(one?.[0]).toMatch(/^job--x{42}-[0-9a-f]{8}$/);
    expect(one?.[0].length).toBeLessThanOrEqual(57);
    expect(one?.[1]).toBe(one?.[0]);
    expect(one?.[0]).not.toBe(other?.[0]);
  });

  test('covers what a program patches', () => {
    const app = new App();
    const flow = Flow.fromTopology(app, 'flow', documentOf());
    const job = ApiObject.of(flow.node.findChild('map').node.findChild('Workload'));
    job.addJsonPatch(JsonPatch.add('/spec/template/spec/priorityClassName', 'high'));
    const patched = Testing.synth(flow).find(({ kind, metadata }) => kind === 'Job' && /--map-/.test(metadata.name));
    expect(patched.spec.template.spec.priorityClassName).toBe('high');
    expect(patched.metadata.name).not.toBe(before);
  });

  test('is that of the function where the controller applies the objects, which replaces a changed Job', () => {
    const plan = planOf(documentOf(), { hasClusterSecrets: true });
    const objects = renderWorkloads(plan, { image: 'kflow:1', natsUrl: 'nats://nats:4222' });
    const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(names).toEqual(expect.arrayContaining(['Job job--list', 'ConfigMap job--list', 'Job job--map']));
  });
});
