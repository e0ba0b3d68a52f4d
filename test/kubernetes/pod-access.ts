import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { account } from './limited-access';
import { connectCluster, sharedKubeconfig } from './support';

/** A kubeconfig whose token belongs to a pod, in a file of its own, as a node mounts it: it is revoked with the pod. */
export class PodAccess {
  private constructor(
    private readonly namespace: string,
    private readonly pod: string,
    /** The kubeconfig. */
    readonly file: string,
  ) {}

  static async open(namespace: string, pod: string, folder: string): Promise<PodAccess> {
    const file = path.join(folder, `${pod}.kubeconfig`);
    const config = JSON.parse(readFileSync(sharedKubeconfig(), 'utf8'));
    const users = config.users.map((user: object) => ({
      ...user,
      user: { 'auth-provider': { name: 'tokenFile', config: { tokenFile: `${file}.token` } } },
    }));
    writeFileSync(file, JSON.stringify({ ...config, users }));
    const access = new PodAccess(namespace, pod, file);
    await access.renew();
    return access;
  }

  /** Writes a token of a new pod into the file. */
  async renew(): Promise<void> {
    const { namespace, pod: name } = this;
    const objects = await connectCluster();
    const { object } = await objects.apply(podOf(namespace, name));
    const { uid = '' } = object.metadata;
    const config = new KubeConfig();
    config.loadFromFile(sharedKubeconfig());
    const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name, uid };
    const spec = { audiences: [], expirationSeconds: 3600, boundObjectRef };
    const core = config.makeApiClient(CoreV1Api);
    const request = { name: account, namespace, body: { spec } };
    const { status } = await core.createNamespacedServiceAccountToken(request);
    writeFileSync(`${this.file}.token`, status?.token ?? '');
  }

  /** A kubeconfig with the present token in it. */
  async copy(): Promise<string> {
    const config = JSON.parse(readFileSync(this.file, 'utf8'));
    const token = readFileSync(`${this.file}.token`, 'utf8');
    const users = config.users.map((user: object) => ({ ...user, user: { token } }));
    const file = `${this.file}.copy`;
    writeFileSync(file, JSON.stringify({ ...config, users }));
    return file;
  }

  /** Deletes the pod as `kubectl delete --force` does: the process keeps running with a token that is valid no more. */
  async revoke(): Promise<void> {
    const objects = await connectCluster();
    await objects.remove(podOf(this.namespace, this.pod), { graceSeconds: 0 });
  }
}

/** A pod of the controller's account that Pod Security accepts. Its containers never run. */
function podOf(namespace: string, name: string) {
  const securityContext = { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } };
  const container = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace },
    spec: {
      serviceAccountName: account,
      securityContext,
      containers: [{ name: 'controller', image: 'kflow:test', securityContext: container }],
    },
  };
}
