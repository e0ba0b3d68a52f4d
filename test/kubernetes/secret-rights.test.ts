import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { InstallationSecret } from '../../runtime/adapters/kubernetes/installation-secret';
import { KubernetesCluster } from '../../runtime/adapters/kubernetes/kubernetes-cluster';
import { KubernetesObjects } from '../../runtime/adapters/kubernetes/kubernetes-objects';
import type { KubernetesObject } from '../../runtime/controller/ports/kubernetes-object';
import { waitFor } from '../support/wait-for';
import { limitedAccess } from './limited-access';
import { connectCluster, makeNamespace } from './support';

const own = 'secret-rights';
const [granted, other] = ['secret-rights-orders', 'secret-rights-other'];
const folder = mkdtempSync(`${tmpdir()}/kflow-rights-`);
let file = '';

const secret: KubernetesObject = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'job--db' },
  data: { password: Buffer.from('planted').toString('base64') },
};
const config: KubernetesObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'job--map' }, data: {} };

beforeAll(async () => {
  for (const namespace of [own, granted, other]) await makeNamespace(namespace);
  file = await limitedAccess(own, folder, { secretNamespaces: [granted] });
});
afterAll(() => rmSync(folder, { recursive: true }));

async function withCluster<T>(use: (cluster: KubernetesCluster) => Promise<T>): Promise<T> {
  const cluster = await KubernetesCluster.open({ file });
  try {
    return await use(cluster);
  } finally {
    await cluster.close();
  }
}

/** Applies a flow and removes it again. */
function run(namespace: string, objects: readonly KubernetesObject[]): Promise<void> {
  const flow = { namespace, jobId: 'job' };
  return withCluster(async (cluster) => {
    await cluster.apply(flow, objects);
    await cluster.prune(flow, objects);
    await cluster.prune(flow, []);
  });
}

test('flows with passwords run in the namespaces with a grant, and flows without passwords everywhere', async () => {
  await run(granted, [secret, config]);
  await run(other, [config]);
});

test('a flow with passwords in a namespace without a grant fails with the command that grants it', async () => {
  const command = `kubectl create rolebinding kflow-flow-secrets --namespace ${other} --clusterrole kflow-flow-secrets --serviceaccount ${own}:kflow-controller`;
  await expect(run(other, [secret, config])).rejects.toMatchObject({
    code: 'permission-missing',
    message: expect.stringContaining(command),
  });
  const admin = await connectCluster();
  // what the command makes
  await admin.apply({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: 'kflow-flow-secrets', namespace: other },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'kflow-flow-secrets' },
    subjects: [{ kind: 'ServiceAccount', name: 'kflow-controller', namespace: own }],
  });
  await waitFor('the grant holds', () =>
    run(other, [secret, config]).then(
      () => true,
      () => false,
    ),
  );
});

test('controllers that start at once agree on one installation key, and can read no other Secret of their namespace', async () => {
  const open = () => InstallationSecret.open({ kubeconfig: file }, { secret: 'kflow-installation', namespace: own });
  const opened = await Promise.all(Array.from({ length: 8 }, async () => (await open()).ensure()));
  expect(new Set(opened.map(({ key }) => key.derive('test').toString('hex'))).size).toBe(1);
  expect(opened.filter(({ isNew }) => isNew)).toHaveLength(1);
  const again = await (await open()).ensure();
  expect([again.isNew, again.key.id]).toEqual([false, opened[0]?.key.id]);
  const admin = await connectCluster();
  await admin.apply({ ...secret, metadata: { name: 'passwords', namespace: own } });
  const objects = await KubernetesObjects.open({ file });
  const ref = (name: string) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: own } });
  await expect(objects.read(ref('passwords'))).rejects.toMatchObject({ code: 'permission-missing' });
  await expect(objects.remove(ref('kflow-installation'))).rejects.toMatchObject({ code: 'permission-missing' });
  await expect(objects.list({ apiVersion: 'v1', kind: 'Secret' }, own)).rejects.toMatchObject({
    code: 'permission-missing',
  });
});

test('a Secret that holds no key is told, and is not replaced', async () => {
  const admin = await connectCluster();
  const name = 'broken-key';
  await admin.apply({ ...secret, metadata: { name, namespace: granted } });
  const opened = await InstallationSecret.open({ kubeconfig: file }, { secret: name, namespace: granted });
  await expect(opened.ensure()).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringContaining(`Secret ${granted}/${name}, key "key": contains no key`),
  });
});
