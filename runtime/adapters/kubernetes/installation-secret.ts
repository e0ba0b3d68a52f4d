import { readFileSync } from 'node:fs';
import { ConfigError } from '../../../lib/errors';
import { InstallationKey, newInstallationKey } from '../../installation/installation-key';
import { ApiConnection } from './api/api-connection';
import { loadKubeConfig } from './api/load-kube-config';
import { KubernetesObjects } from './kubernetes-objects';

/** Where a pod finds the namespace that it is in. */
const podNamespaceFile = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

/** The key of the Secret's data. */
const dataKey = 'key';

export interface InstallationSecretOptions {
  readonly secret: string;
  /** Default: the namespace of the pod, else of the kubeconfig's context. */
  readonly namespace?: string | undefined;
}

/** The installation key as a Secret of the controller's namespace. */
export class InstallationSecret {
  private readonly objects: KubernetesObjects;

  private constructor(
    private readonly api: ApiConnection,
    private readonly ref: { readonly name: string; readonly namespace: string },
  ) {
    this.objects = new KubernetesObjects(api);
  }

  /** Reads the kubeconfig without connecting. Throws ConfigError `config-invalid`. */
  static async open(
    { kubeconfig: file, context }: { readonly kubeconfig?: string | undefined; readonly context?: string | undefined },
    { secret: name, namespace }: InstallationSecretOptions,
  ): Promise<InstallationSecret> {
    const target = await loadKubeConfig({
      ...(file === undefined ? {} : { file }),
      ...(context === undefined ? {} : { context }),
    });
    const own = namespace ?? podNamespace() ?? target.namespace;
    return new InstallationSecret(new ApiConnection(target), { name, namespace: own });
  }

  /** `<namespace>/<name>` */
  get name(): string {
    return `${this.ref.namespace}/${this.ref.name}`;
  }

  /**
   * Reads the key, and makes the Secret if it is missing. Controllers that start at the same time get the same key: only
   * one of them creates the Secret. Throws ConfigError or StoreError.
   */
  async ensure(): Promise<{ readonly key: InstallationKey; readonly isNew: boolean }> {
    const found = await this.read();
    if (found !== undefined) return { key: found, isNew: false };
    const isNew = await this.create();
    const key = await this.read();
    if (key !== undefined) return { key, isNew };
    throw new ConfigError('config-invalid', `Secret ${this.name}: was removed while this controller started`);
  }

  /** The key of the Secret; undefined if there is no Secret. */
  async read(): Promise<InstallationKey | undefined> {
    const found = await this.objects.read({ apiVersion: 'v1', kind: 'Secret', metadata: this.ref });
    if (found === undefined) return undefined;
    const text = (found.data as { readonly [key: string]: string } | undefined)?.[dataKey] ?? '';
    return InstallationKey.parse(Buffer.from(text, 'base64').toString(), `Secret ${this.name}, key "${dataKey}"`);
  }

  close(): void {
    this.api.close();
  }

  private create(): Promise<boolean> {
    return this.objects.create({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        ...this.ref,
        labels: { 'app.kubernetes.io/part-of': 'kflow', 'app.kubernetes.io/managed-by': 'kflow' },
      },
      type: 'Opaque',
      data: { [dataKey]: Buffer.from(newInstallationKey()).toString('base64') },
    });
  }
}

/** The namespace of this pod; undefined outside of one. */
function podNamespace(): string | undefined {
  try {
    return readFileSync(podNamespaceFile, 'utf8').trim() || undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
