import { ConfigError } from '../../../lib/errors';
import type { KindRef, KubernetesObject, ObjectRef } from '../../controller/ports/kubernetes-object';
import { type ApiAnswer, ApiConnection, type ApiRequest, type StreamOptions } from './api-connection';
import { ApiDiscovery } from './api-discovery';
import { isImmutable, refusal } from './api-refusal';
import type { ApiStream } from './api-stream';
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

export interface RemoveOptions {
  /** What becomes of what it owns: removed after it, or before it, which stays until then. Default `Background`. */
  readonly propagation?: 'Background' | 'Foreground';
  /** How long a pod may take to end; left out, as long as the pod says. */
  readonly graceSeconds?: number;
  /** Another object that has come to have the name since is left alone. */
  readonly uid?: string;
}

/** What is known of an object without the rest of it. */
export interface ObjectMetadata extends ObjectRef {
  readonly metadata: KubernetesObject['metadata'] & {
    readonly creationTimestamp?: string;
    /** It is being removed. */
    readonly deletionTimestamp?: string;
    readonly finalizers?: readonly string[];
    readonly ownerReferences?: readonly OwnerReference[];
  };
}

/** With the last of its owners an object goes as well. */
export interface OwnerReference extends KindRef {
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

/** Which objects of a kind. */
export interface Scope extends Pick<ApiRequest, 'query'> {
  /** Left out, all of them. */
  readonly namespace?: string;
  /** Of them, nothing but the metadata. */
  readonly isMetadataOnly?: true;
}

/** Objects of a kind at one moment, from which a watch goes on. */
export interface Snapshot<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
}

/**
 * The objects of one cluster. Every call may throw ConfigError `config-invalid`, which lasts until somebody changes
 * something, and StoreError `store-failed` or, out of reach, ConfigError `server-failed`, which may pass.
 */
export class KubernetesObjects {
  private readonly discovery: ApiDiscovery;

  constructor(private readonly api: ApiConnection) {
    this.discovery = new ApiDiscovery(api);
  }

  /** Reads the kubeconfig; the cluster is not asked yet. */
  static async open(options: KubeConfigOptions = {}): Promise<KubernetesObjects> {
    return new KubernetesObjects(new ApiConnection(await loadKubeConfig(options)));
  }

  /** Makes an object what the manifest says, by server-side apply. A field its kind does not have is an error. */
  async apply(manifest: KubernetesObject, options: ApplyOptions = {}): Promise<Applied> {
    return this.applied(await this.sendApply(manifest, options), manifest);
  }

  /** As `apply`, by force; undefined when there is an object that would have to be made anew. */
  async applyInPlace(manifest: KubernetesObject): Promise<Applied | undefined> {
    const answer = await this.sendApply(manifest, { force: true });
    return isImmutable(answer) ? undefined : this.applied(answer, manifest);
  }

  /** The live object; undefined when it, or its kind, is not there. */
  async read(ref: ObjectRef): Promise<KubernetesObject | undefined> {
    const path = await this.discovery.pathOf(ref);
    const answer = path && (await this.api.request({ method: 'GET', path }));
    if (!answer || answer.status === 404) return undefined;
    return bodyOf<KubernetesObject>(answer, `read ${this.describe(ref)}`);
  }

  /** The metadata of a live object; undefined when it, or its kind, is not there. */
  async readMetadata(ref: ObjectRef): Promise<ObjectMetadata | undefined> {
    const path = await this.discovery.pathOf(ref);
    const answer = path && (await this.api.request({ method: 'GET', path, as: 'PartialObjectMetadata' }));
    if (!answer || answer.status === 404) return undefined;
    return { ...bodyOf<ObjectMetadata>(answer, `read ${this.describe(ref)}`), ...kindOf(ref) };
  }

  /** Objects of a kind that a label selector takes, in a namespace or in all; none when the kind is unknown. */
  async list(kind: KindRef, namespace?: string, labelSelector?: string): Promise<KubernetesObject[]> {
    const { items } = await this.snapshot<KubernetesObject>(kind, { namespace, query: { labelSelector } });
    return [...items];
  }

  /** As `list`, but their metadata only. */
  async listMetadata(kind: KindRef, namespace: string, labelSelector: string): Promise<readonly ObjectMetadata[]> {
    const scope: Scope = { namespace, query: { labelSelector }, isMetadataOnly: true };
    return (await this.snapshot<ObjectMetadata>(kind, scope)).items;
  }

  /** As `list`, with the version that a watch begins at. */
  async snapshot<T extends ObjectRef>(
    kind: KindRef,
    { namespace, query, isMetadataOnly }: Scope,
  ): Promise<Snapshot<T>> {
    const as = isMetadataOnly && 'PartialObjectMetadataList';
    const items: T[] = [];
    let resourceVersion = '';
    const path = await this.discovery.pathOfKind(kind, namespace);
    for (let next: string | undefined = ''; path !== undefined && next !== undefined; ) {
      const paged = { ...query, limit: PAGE_SIZE, continue: next || undefined };
      const answer = await this.api.request({ method: 'GET', path, query: paged, as });
      // The kind has gone since it was asked for.
      if (answer.status === 404) return { items: [], resourceVersion: '' };
      const page = bodyOf<ListPage<T>>(answer, `list ${kind.kind} in ${namespace ?? 'all namespaces'}`);
      // Items do not name their kind themselves.
      items.push(...(page.items ?? []).map((item) => ({ ...item, ...kindOf(kind) })));
      resourceVersion = page.metadata.resourceVersion;
      next = page.metadata.continue || undefined;
    }
    return { items, resourceVersion };
  }

  /** Tells what happens to objects of a kind after a version, as lines of JSON. Any answer but 200 is thrown. */
  async watch(kind: KindRef, { namespace, query, isMetadataOnly }: Scope, options: StreamOptions): Promise<ApiStream> {
    const call = `watch ${kind.kind} in ${namespace ?? 'all namespaces'}`;
    const path = await this.discovery.pathOfKind(kind, namespace);
    if (path === undefined) throw this.kindUnknown(kind, call);
    const as = isMetadataOnly && 'PartialObjectMetadata';
    const watched = { ...query, watch: 'true', allowWatchBookmarks: 'true' };
    const stream = await this.api.stream({ method: 'GET', path, query: watched, as }, options);
    if (stream.status === 200) return stream;
    throw refusal({ status: stream.status, body: await stream.body(), warnings: [] }, call);
  }

  /** Has an object removed, and what it owns; false when it, or its kind, was not there. */
  async remove(ref: ObjectRef, options: RemoveOptions = {}): Promise<boolean> {
    const { propagation = 'Background', graceSeconds, uid } = options;
    const path = await this.discovery.pathOf(ref);
    const body = {
      propagationPolicy: propagation,
      ...(graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds }),
      ...(uid === undefined ? {} : { preconditions: { uid } }),
    };
    const answer = path && (await this.api.request({ method: 'DELETE', path, body }));
    const isOther = uid !== undefined && answer && answer.status === 409;
    if (!answer || answer.status === 404 || isOther) return false;
    bodyOf(answer, `remove ${this.describe(ref)}`);
    return true;
  }

  /** Whether the cluster knows a kind: it may take a moment after its CRD was established. */
  async serves(kind: KindRef): Promise<boolean> {
    return (await this.discovery.pathOfKind(kind)) !== undefined;
  }

  private async sendApply(manifest: KubernetesObject, options: ApplyOptions): Promise<ApiAnswer> {
    const path = await this.discovery.pathOf(manifest);
    if (path === undefined) throw this.kindUnknown(manifest, `apply ${this.describe(manifest)}`);
    const flags = { dryRun: options.dryRun && 'All', force: options.force && 'true' };
    const query = { fieldManager: FIELD_MANAGER, fieldValidation: 'Strict', ...flags };
    return this.api.request({ method: 'PATCH', path, query, body: manifest });
  }

  private applied(answer: ApiAnswer, manifest: KubernetesObject): Applied {
    const object = bodyOf<KubernetesObject>(answer, `apply ${this.describe(manifest)}`);
    return { object, warnings: answer.warnings };
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

interface ListPage<T> {
  /** null for none of which only the metadata was asked for. */
  readonly items: readonly T[] | null;
  readonly metadata: { readonly continue?: string; readonly resourceVersion: string };
}

/** Of a reference, or an object, which has more. */
function kindOf({ apiVersion, kind }: KindRef): KindRef {
  return { apiVersion, kind };
}

function bodyOf<T>(answer: ApiAnswer, call: string): T {
  if (answer.status < 200 || answer.status > 299) throw refusal(answer, call);
  return answer.body as T;
}
