import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { kubernetesRules } from '../../lib/plan/controller-rules';
import { connectCluster, sharedKubeconfig } from './support';

/** Makes a service account that may do in a namespace what a controller may. Gives the path of its kubeconfig. */
export async function limitedAccess(namespace: string, folder: string): Promise<string> {
  const objects = await connectCluster();
  const metadata = { name: 'kflow-controller', namespace };
  const group = 'rbac.authorization.k8s.io';
  await objects.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata });
  await objects.apply({ apiVersion: `${group}/v1`, kind: 'Role', metadata, rules: kubernetesRules });
  await objects.apply({
    apiVersion: `${group}/v1`,
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup: group, kind: 'Role', name: metadata.name },
    subjects: [{ kind: 'ServiceAccount', ...metadata }],
  });
  const file = join(folder, `${namespace}.kubeconfig`);
  writeFileSync(file, withToken(await tokenOf(namespace, metadata.name)));
  return file;
}

async function tokenOf(namespace: string, name: string): Promise<string> {
  const config = new KubeConfig();
  config.loadFromFile(sharedKubeconfig());
  const spec = { audiences: [], expirationSeconds: 3600 };
  const core = config.makeApiClient(CoreV1Api);
  const { status } = await core.createNamespacedServiceAccountToken({ name, namespace, body: { spec } });
  return status?.token ?? '';
}

function withToken(token: string): string {
  const config = JSON.parse(readFileSync(sharedKubeconfig(), 'utf8'));
  return JSON.stringify({ ...config, users: config.users.map((user: object) => ({ ...user, user: { token } })) });
}
