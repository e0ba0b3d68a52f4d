import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Testing } from 'cdk8s';
import { parse } from 'yaml';
import { Flow, type FlowProps } from '../../../lib/constructs/flow';
import { FlowApp } from '../../../lib/constructs/flow-app';
import { type Manifest, renderYaml } from '../../../lib/constructs/manifest';
import { ManifestFolder } from '../../../runtime/cli/commands/manifests/manifest-folder';

const sideOuts = readFileSync(path.join(__dirname, '../../fixtures/topologies/side-outs.yaml'), 'utf8');
const messageStore = readFileSync(path.join(__dirname, '../../fixtures/topologies/message-store.yaml'), 'utf8');
const small =
  '{ jobId: orders, dag: [{ id: list, type: fs-source, format: list, addr: "s3:1", topics: "s3a://inbox", out: [map] }, { id: map, type: raw, meta: { name: f, code: "def f(ctx, e): return e" } }], globalConfig: { stream: { onDelete: delete } } }';

function synth(document: string, props: FlowProps = {}): readonly Manifest[] {
  return Testing.synth(Flow.fromTopology(new FlowApp(), 'flow', document, props));
}

describe('namespace as a prop', () => {
  test.each([
    ['side outputs', sideOuts],
    ['a message store', messageStore],
    ['streams that are deleted with their manifests', small],
  ])('gives the manifests of the same document with this namespace: %s', (_title, text) => {
    const document: object = parse(text);
    const written = JSON.stringify({ ...document, namespace: 'orders-dev' });
    expect(synth(text, { namespace: 'orders-dev' })).toEqual(synth(written));
  });

  test('gives two environments of one document streams, subjects and buckets of their own', () => {
    const app = new FlowApp();
    const [dev, prod] = ['orders-dev', 'orders-prod'].map(
      (namespace) => Flow.fromTopology(app, namespace, messageStore, { namespace }).plan,
    );
    const held = (plan: typeof dev) => [
      ...(plan?.streams ?? []).flatMap(({ name, subjects }) => [name, ...subjects]),
      ...(plan?.buckets ?? []).filter(({ role }) => role === 'message-store').map(({ prefix }) => prefix),
      plan?.stateBucket,
    ];
    expect(held(dev)).not.toEqual([]);
    expect(held(prod).filter((name) => held(dev).includes(name))).toEqual([]);
    const texts = app.texts();
    expect(texts.get('orders-dev.k8s.yaml')).not.toMatch(/default|orders-prod/);
    expect(texts.get('orders-prod.k8s.yaml')).not.toMatch(/default|orders-dev/);
  });

  test.each(['Orders', 'a_b', 'a.b', 'x'.repeat(64), ''])('is refused where it is no DNS label: %p', (namespace) => {
    expect(() => synth(small, { namespace })).toThrow(
      /\[flow\] namespace must be at most 63 lower-case letters.*; got "/,
    );
  });
});

test('the names of a flow have no hashes of constructs, so disableResourceNameHashes changes nothing', () => {
  expect(synth(small, { disableResourceNameHashes: true })).toEqual(synth(small));
});

describe('labels as a prop', () => {
  test('are added to those of KFlow, so `kflow plan` finds the objects', () => {
    const objects = synth(small, { labels: { team: 'blue', 'kflow.io/job': 'orders' } });
    for (const { metadata } of objects) {
      expect(metadata.labels).toMatchObject({
        team: 'blue',
        'kflow.io/job': 'orders',
        'app.kubernetes.io/part-of': 'orders',
        'app.kubernetes.io/managed-by': 'kflow',
      });
    }
    const folder = new ManifestFolder(mkdtempSync(path.join(tmpdir(), 'kflow-labels-')));
    folder.write('orders.k8s.yaml', renderYaml(objects));
    const flow = { namespace: 'default', jobId: 'orders', objects, fileName: 'orders.k8s.yaml', notes: [] };
    expect(folder.changes(flow)).toEqual([]);
    rmSync(folder.path, { recursive: true });
  });

  test('are refused where they replace those of KFlow', () => {
    const labels = { 'kflow.io/job': 'other', 'app.kubernetes.io/part-of': 'shop' };
    expect(() => synth(small, { labels })).toThrow(/by "app.kubernetes.io\/part-of: orders"; got "shop".*\n.*"other"/);
  });
});

describe('a flow of which the app has another with the same namespace and jobId', () => {
  const twice = (one: FlowProps, other: FlowProps) => {
    const app = new FlowApp();
    Flow.fromTopology(app, 'one', small, one);
    Flow.fromTopology(app, 'other', small, other);
    return () => app.texts();
  };

  test('is refused, with the path of the first', () => {
    expect(twice({}, { namespace: 'default' })).toThrow(
      '[other] the flow "default/orders" is in this app already, as [one]; give one another namespace or jobId',
    );
  });

  test('is accepted in another namespace, and in another app', () => {
    expect(twice({}, { namespace: 'b' })).not.toThrow();
    expect(twice({}, { namespace: 'b' })).not.toThrow();
  });
});
