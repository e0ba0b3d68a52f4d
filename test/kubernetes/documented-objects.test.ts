import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { ControllerInstall } from '../../lib/constructs/controller/controller-install';
import { FlowApp } from '../../lib/constructs/flow-app';
import type { KubernetesObject } from '../../runtime/controller/ports/kubernetes-object';
import { connectCluster, makeNamespace } from './support';

const folder = path.join(__dirname, '../../docs');
const blocks = readdirSync(folder)
  .filter((name) => name.endsWith('.md'))
  .flatMap((name) => [...readFileSync(path.join(folder, name), 'utf8').matchAll(/^```yaml\n(.*?)^```$/gms)])
  .map(([, text = '']) => text);
const documented = blocks.filter((text) => text.startsWith('apiVersion:')).map((text): KubernetesObject => parse(text));

test('the documentation has the objects in front of the API', () => {
  expect(documented.map(({ kind }) => kind).sort()).toEqual(['HTTPRoute', 'Ingress', 'Namespace']);
});

/** The API server knows no HTTPRoute. */
const known = documented.filter(({ kind }) => kind !== 'HTTPRoute');

test.each(known.map((object) => [object.kind, object] as const))(
  'the %s of the documentation is taken without a warning',
  async (_kind, object) => {
    await makeNamespace('kflow');
    const { warnings } = await (await connectCluster()).apply(object, { dryRun: true });
    expect(warnings).toEqual([]);
  },
);

test('the documented ways to the API lead to the Service of kflow install', () => {
  const app = new FlowApp();
  new ControllerInstall(app, 'kflow', {
    namespace: 'kflow',
    natsUrl: 'nats://nats.nats.svc:4222',
    temporalAddress: 'temporal-frontend.temporal.svc:7233',
    access: { kind: 'tokens', secret: 'kflow-tokens' },
  });
  const isService = ({ kind }: KubernetesObject) => kind === 'Service';
  const { metadata, spec } = [...app.manifests().values()].flat().find(isService) as KubernetesObject;
  const { name, namespace } = metadata;
  const [{ port }] = (spec as { readonly ports: readonly [{ readonly port: number }] }).ports;
  expect(documented.find(({ kind }) => kind === 'Ingress')).toMatchObject({
    metadata: { namespace },
    spec: { rules: [{ http: { paths: [{ path: '/', backend: { service: { name, port: { number: port } } } }] } }] },
  });
  expect(documented.find(({ kind }) => kind === 'HTTPRoute')).toMatchObject({
    metadata: { namespace },
    spec: { rules: [{ backendRefs: [{ name, port }] }] },
  });
});
