import { ConfigError } from '../../../lib/errors';
import { type ApiAnswer, ApiConnection } from './api-connection';
import { ApiDiscovery } from './api-discovery';
import { refusal } from './api-refusal';
import type { KindRef, KubernetesObject, ObjectRef } from './kubernetes-object';
import { type KubeConfigOptions, loadKubeConfig } from './load-kube-config';

/** The owner of the fields that are applied. */
const FIELD_MANAGER = 'kflow';
const PAGE_SIZE = '500';

export interface ApplyOptions {
  /** Everything is checked, admission included, and nothing is kept. */
  readonly dryRun?: true;
  /** Takes over what another field manager owns, which is a ConfigError otherwise. */
  readonly force?: true;
}

export interface Applied {
  /** As the server has it now, with its defaults. */
  readonly object: KubernetesObject;
  /** What the server has to say against it, as what Pod Security would refuse. */
  readonly warnings: readonly string[];
}

/**
 * The objects of one cluster. Every call may throw ConfigError `config-invalid`, which lasts until somebody changes
 * something, and StoreError `store-failed` or, out of reach, ConfigError `server-failed`, which may pass.
 */
export class KubernetesObjects {
  private readonly discovery: ApiDiscovery;

  private constructor(private readonly api: ApiConnection) {
    this.discovery = new ApiDiscovery(api);
  }

  /** Reads the kubeconfig; the cluster is not asked yet. */
  static async open(options: KubeConfigOptions = {}): Promise<KubernetesObjects> {
    return new KubernetesObjects(new ApiConnection(await loadKubeConfig(options)));
  }

  /** Makes an object what the manifest says, by server-side apply. A field its kind does not have is an error. */
  async apply(manifest: KubernetesObject, options: ApplyOptions = {}): Promise<Applied> {
    const call = `apply ${this.describe(manifest)}`;
    const path = await this.discovery.pathOf(manifest);
    if (path === undefined) throw this.kindUnknown(manifest, call);
    const flags = { dryRun: options.dryRun && 'All', force: options.force && 'true' };
    const query = { fieldManager: FIELD_MANAGER, fieldValidation: 'Strict', ...flags };
    const answer = await this.api.request({ method: 'PATCH', path, query, manifest });
    return { object: bodyOf<KubernetesObject>(answer, call), warnings: answer.warnings };
  }

  /** The live object; undefined when it, or its kind, is not there. */
  async read(ref: ObjectRef): Promise<KubernetesObject | undefined> {
    const path = await this.discovery.pathOf(ref);
    const answer = path && (await this.api.request({ method: 'GET', path }));
    if (!answer || answer.status === 404) return undefined;
    return bodyOf<KubernetesObject>(answer, `read ${this.describe(ref)}`);
  }

  /** Objects of a kind that a label selector takes, in a namespace or in all; none when the kind is unknown. */
  async list(kind: KindRef, namespace?: string, labelSelector?: string): Promise<KubernetesObject[]> {
    const objects: KubernetesObject[] = [];
    const path = await this.discovery.pathOfKind(kind, namespace);
    for (let next: string | undefined = ''; path !== undefined && next !== undefined; ) {
      const query = { labelSelector, limit: PAGE_SIZE, continue: next || undefined };
      const answer = await this.api.request({ method: 'GET', path, query });
      // The kind has gone since it was asked for.
      if (answer.status === 404) return [];
      const page = bodyOf<ListPage>(answer, `list ${kind.kind} in ${namespace ?? 'all namespaces'}`);
      // Items do not name their kind themselves.
      objects.push(...page.items.map((item) => ({ ...item, apiVersion: kind.apiVersion, kind: kind.kind })));
      next = page.metadata.continue || undefined;
    }
    return objects;
  }

  /** Has an object removed, and in the background what it owns; false when it, or its kind, was not there. */
  async remove(ref: ObjectRef): Promise<boolean> {
    const path = await this.discovery.pathOf(ref);
    const query = { propagationPolicy: 'Background' };
    const answer = path && (await this.api.request({ method: 'DELETE', path, query }));
    if (!answer || answer.status === 404) return false;
    bodyOf(answer, `remove ${this.describe(ref)}`);
    return true;
  }

  /** Whether the cluster knows a kind: it may take a moment after its CRD was established. */
  async serves(kind: KindRef): Promise<boolean> {
    return (await this.discovery.pathOfKind(kind)) !== undefined;
  }

  private describe({ kind, metadata }: ObjectRef): string {
    return `${kind} ${metadata.namespace === undefined ? '' : `${metadata.namespace}/`}${metadata.name}`;
  }

  private kindUnknown({ apiVersion, kind }: KindRef, call: string): ConfigError {
    const { url, context } = this.api.target;
    const what = `the cluster at ${url} (context "${context}") knows no kind ${kind} of ${apiVersion}`;
    return new ConfigError('config-invalid', `${call}: ${what}; install its CRD first`, { where: call });
  }
}

interface ListPage {
  readonly items: readonly KubernetesObject[];
  readonly metadata: { readonly continue?: string };
}

function bodyOf<T>(answer: ApiAnswer, call: string): T {
  if (answer.status < 200 || answer.status > 299) throw refusal(answer, call);
  return answer.body as T;
}
