import { ControllerInstall } from '../../lib/constructs/controller-install';
import type { ControllerInstallProps } from '../../lib/constructs/controller-install-props';
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

/** Of kinds that have one: it counts changes of what is asked for, not of the status. */
function generationOf({ metadata }: KubernetesObject): unknown {
  return (metadata as { readonly generation?: number }).generation;
}

test('it is taken without a warning in its own restricted namespace, pods included, and applied again it changes nothing', async () => {
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

test('limited to namespaces it needs no object of the whole cluster', async () => {
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
