import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { ControllerInstall } from '../../lib/constructs/controller/controller-install';
import type { ControllerInstallProps } from '../../lib/constructs/controller/controller-install-props';
import { FlowApp } from '../../lib/constructs/flow-app';
import type { KubernetesObject } from '../../runtime/controller/ports/kubernetes-object';
import { connectCluster, sharedKubeconfig } from './support';

/** The account of a controller. */
export const account = 'kflow-controller';
const rightsKinds = new Set(['ServiceAccount', 'Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding']);

type Rights = Pick<ControllerInstallProps, 'watchNamespaces' | 'secretNamespaces' | 'keySecret'>;

/**
 * Creates the account of a controller in a namespace, with the rights that `kflow install` grants; default: for flows of
 * its own namespace only. Returns the path of its kubeconfig.
 */
export async function limitedAccess(
  namespace: string,
  folder: string,
  rights: Rights = { watchNamespaces: [namespace] },
): Promise<string> {
  const objects = await connectCluster();
  for (const object of installed(namespace, rights)) {
    if (rightsKinds.has(object.kind)) await objects.apply(object);
  }
  const file = join(folder, `${namespace}.kubeconfig`);
  writeFileSync(file, withToken(await tokenOf(namespace, account)));
  return file;
}

function installed(namespace: string, rights: Rights): readonly KubernetesObject[] {
  const app = new FlowApp();
  new ControllerInstall(app, 'kflow', {
    namespace,
    hasNamespace: true,
    ...rights,
    natsUrl: 'nats://nats.nats.svc:4222',
    temporalAddress: 'temporal-frontend.temporal.svc:7233',
    access: { kind: 'tokens', secret: 'kflow-tokens' },
  });
  return [...app.manifests().values()].flat();
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
