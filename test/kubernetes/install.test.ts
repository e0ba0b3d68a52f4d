import { ControllerInstall } from '../../lib/constructs/controller/controller-install';
import type { ControllerInstallProps } from '../../lib/constructs/controller/controller-install-props';
import { FlowApp } from '../../lib/constructs/flow-app';
import type { KubernetesObject } from '../../runtime/controller/ports/kubernetes-object';
import { waitFor } from '../support/wait-for';
import { connectCluster, makeNamespace, makeRestrictedNamespace } from './support';

const servers = { natsUrl: 'nats://nats.nats.svc:4222', temporalAddress: 'temporal-frontend.temporal.svc:7233' };

function manifestsOf(props: ControllerInstallProps): readonly KubernetesObject[] {
  const app = new FlowApp();
  new ControllerInstall(app, 'kflow', props);
  return [...app.manifests().values()].flat();
}

async function applyAll(objects: readonly KubernetesObject[]): Promise<{ warnings: string[]; versions: string[] }> {
  const cluster = await connectCluster();
  const applied = [];
  for (const object of objects) applied.push(await cluster.apply(object));
  return {
    warnings: applied.flatMap(({ warnings }) => warnings),
    versions: applied.map(({ object }) => `${object.kind} ${generationOf(object)}`),
  };
}

/** Generations of objects: they count changes of the spec, not of the status. */
function generationOf({ metadata }: KubernetesObject): unknown {
  return (metadata as { readonly generation?: number }).generation;
}

test('kflow install is accepted without warnings in a restricted namespace, and applying it again changes nothing', async () => {
  const namespace = 'install-everywhere';
  const objects = manifestsOf({ ...servers, namespace, access: { kind: 'tokens', secret: 'kflow-tokens' } });
  const first = await applyAll(objects);
  expect(first.warnings).toEqual([]);
  const cluster = await connectCluster();
  const pods = await waitFor('both controllers have a pod', async () => {
    const found = await cluster.list({ apiVersion: 'v1', kind: 'Pod' }, namespace, 'app.kubernetes.io/name=kflow');
    return found.length === 2 && found;
  });
  expect(pods.map(({ spec }) => (spec as { readonly serviceAccountName: string }).serviceAccountName)).toEqual([
    'kflow-controller',
    'kflow-controller',
  ]);
  expect(await applyAll(objects)).toEqual({ ...first, warnings: [] });
});

test('kflow install limited to namespaces needs no cluster-wide objects', async () => {
  const namespace = await makeRestrictedNamespace('install-limited');
  const watchNamespaces = [await makeNamespace('install-orders'), await makeNamespace('install-billing')];
  const objects = manifestsOf({
    ...servers,
    namespace,
    hasNamespace: true,
    watchNamespaces,
    access: { kind: 'oidc', issuer: 'https://issuer.example.org', audience: 'kflow' },
    settingsSecret: 'kflow-settings',
  });
  expect(objects.every(({ metadata }) => metadata.namespace !== undefined)).toBe(true);
  expect((await applyAll(objects)).warnings).toEqual([]);
  expect((await applyAll(objects)).warnings).toEqual([]);
});
