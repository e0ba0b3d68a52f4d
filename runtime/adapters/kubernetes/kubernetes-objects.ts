import { ConfigError } from '../../../lib/errors';
import type { KindRef, KubernetesObject, ObjectRef } from '../../controller/ports/kubernetes-object';
import { ApiConnection, type ApiRequest, type StreamOptions } from './api/api-connection';
import { ApiDiscovery } from './api/api-discovery';
import { type ApiAnswer, isImmutable, refusal } from './api/api-refusal';
import type { ApiStream } from './api/api-stream';
import { type KubeConfigOptions, loadKubeConfig } from './api/load-kube-config';

/** Field manager of server-side apply. */
export const FIELD_MANAGER = 'kflow';
const PAGE_SIZE = '500';

export interface ApplyOptions {
  /** The server checks everything, including admission, and stores nothing. */
  readonly dryRun?: true;
  /** Takes over fields of other field managers. Default: such a conflict is a ConfigError. */
  readonly force?: true;
}

export interface Applied {
  /** The object as stored by the server, with defaults. */
  readonly object: KubernetesObject;
  /** Warnings of the server, for example about violations of Pod Security. */
  readonly warnings: readonly string[];
}

export interface RemoveOptions {
  /** Whether owned objects are deleted after the object (`Background`, the default) or before it (`Foreground`). */
  readonly propagation?: 'Background' | 'Foreground';
  /** Grace period of a pod; default: the pod's own. */
  readonly graceSeconds?: number;
  /** The object is deleted only if it has this uid, so that a new object of the same name is kept. */
  readonly uid?: string;
}

/** An object without anything but its metadata. */
export interface ObjectMetadata extends ObjectRef {
  readonly metadata: KubernetesObject['metadata'] & {
    readonly creationTimestamp?: string;
    /** Present while the object is being deleted. */
    readonly deletionTimestamp?: string;
    readonly finalizers?: readonly string[];
    readonly ownerReferences?: readonly OwnerReference[];
  };
}

/** An object is deleted with the last of its owners. */
export interface OwnerReference extends KindRef {
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

/** The objects of a kind to list or watch. */
export interface Scope extends Pick<ApiRequest, 'query'> {
  /** Default: all namespaces. */
  readonly namespace?: string;
  /** Only the metadata is requested. */
  readonly isMetadataOnly?: true;
  /** Objects that this account may not list count as none. */
  readonly isOptional?: boolean | undefined;
}

/** The objects of a kind at one version, where a watch can start. */
export interface Snapshot<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
}

/**
 * The objects of a cluster. Every call may throw ConfigError `config-invalid`, which somebody has to fix, and StoreError
 * `store-failed` or, if the server is unreachable, ConfigError `server-failed`, which may be transient.
 */
export class KubernetesObjects {
  private readonly discovery: ApiDiscovery;

  constructor(private readonly api: ApiConnection) {
    this.discovery = new ApiDiscovery(api);
  }

  /** Reads the kubeconfig without connecting. */
  static async open(options: KubeConfigOptions = {}): Promise<KubernetesObjects> {
    return new KubernetesObjects(new ApiConnection(await loadKubeConfig(options)));
  }

  /** Server-side apply. A field that the kind does not have is an error. */
  async apply(manifest: KubernetesObject, options: ApplyOptions = {}): Promise<Applied> {
    return this.applied(await this.sendApply(manifest, options), manifest);
  }

  /** `apply` with force; undefined if the existing object would have to be recreated. */
  async applyInPlace(manifest: KubernetesObject): Promise<Applied | undefined> {
    const answer = await this.sendApply(manifest, { force: true });
    return isImmutable(answer) ? undefined : this.applied(answer, manifest);
  }

  /** Creates an object that nobody applies again. Returns false, and changes nothing, if it exists. */
  async create(manifest: KubernetesObject): Promise<boolean> {
    const path = await this.discovery.pathOfKind(manifest, manifest.metadata.namespace);
    if (path === undefined) throw this.kindUnknown(manifest, `create ${this.describe(manifest)}`);
    const query = { fieldManager: FIELD_MANAGER, fieldValidation: 'Strict' };
    const answer = await this.api.request({ method: 'POST', path, query, body: manifest });
    if (answer.status === 409 && (answer.body as { readonly reason?: string }).reason === 'AlreadyExists') return false;
    bodyOf(answer, `create ${this.describe(manifest)}`);
    return true;
  }

  /** The live object; undefined if the object or its kind does not exist. */
  async read(ref: ObjectRef): Promise<KubernetesObject | undefined> {
    const path = await this.discovery.pathOf(ref);
    const answer = path && (await this.api.request({ method: 'GET', path }));
    if (!answer || answer.status === 404) return undefined;
    return bodyOf<KubernetesObject>(answer, `read ${this.describe(ref)}`);
  }

  /** The metadata of a live object; undefined if the object or its kind does not exist. */
  async readMetadata(ref: ObjectRef): Promise<ObjectMetadata | undefined> {
    const path = await this.discovery.pathOf(ref);
    const answer = path && (await this.api.request({ method: 'GET', path, as: 'PartialObjectMetadata' }));
    if (!answer || answer.status === 404) return undefined;
    return { ...bodyOf<ObjectMetadata>(answer, `read ${this.describe(ref)}`), ...kindOf(ref) };
  }

  /** Objects of a kind that match a label selector, in one namespace or all; none if the kind is unknown. */
  async list(kind: KindRef, namespace?: string, labelSelector?: string): Promise<KubernetesObject[]> {
    const { items } = await this.snapshot<KubernetesObject>(kind, { namespace, query: { labelSelector } });
    return [...items];
  }

  /** `list` of the metadata only. */
  async listMetadata(
    kind: KindRef,
    namespace: string,
    { labelSelector, isOptional }: { readonly labelSelector: string; readonly isOptional?: boolean },
  ): Promise<readonly ObjectMetadata[]> {
    const scope: Scope = { namespace, query: { labelSelector }, isMetadataOnly: true, isOptional };
    return (await this.snapshot<ObjectMetadata>(kind, scope)).items;
  }

  /** `list` with the version at which a watch can start. */
  async snapshot<T extends ObjectRef>(
    kind: KindRef,
    { namespace, query, isMetadataOnly, isOptional }: Scope,
  ): Promise<Snapshot<T>> {
    const as = isMetadataOnly && 'PartialObjectMetadataList';
    const items: T[] = [];
    let resourceVersion = '';
    const path = await this.discovery.pathOfKind(kind, namespace);
    for (let next: string | undefined = ''; path !== undefined && next !== undefined; ) {
      const paged = { ...query, limit: PAGE_SIZE, continue: next || undefined };
      const answer = await this.api.request({ method: 'GET', path, query: paged, as });
      // the kind has been deleted since discovery
      if (answer.status === 404 || (answer.status === 403 && isOptional)) return { items: [], resourceVersion: '' };
      const page = bodyOf<ListPage<T>>(answer, `list ${kind.kind} in ${namespace ?? 'all namespaces'}`);
      // the items of a list have no kind
      items.push(...(page.items ?? []).map((item) => ({ ...item, ...kindOf(kind) })));
      resourceVersion = page.metadata.resourceVersion;
      next = page.metadata.continue || undefined;
    }
    return { items, resourceVersion };
  }

  /** The changes of objects of a kind after a version, as lines of JSON. Throws unless the status is 200. */
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

  /** Deletes an object and everything it owns; false if the object or its kind does not exist. */
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
    bodyOf(answer, `delete ${this.describe(ref)}`);
    return true;
  }

  /** Whether the cluster serves a kind, which takes a moment after its CRD was created. */
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
    const what = `the cluster at ${url} (context "${context}") has no kind ${kind} of ${apiVersion}`;
    return new ConfigError('config-invalid', `${call}: ${what}; install its CRD first`, { where: call });
  }
}

interface ListPage<T> {
  /** null for an empty list of metadata. */
  readonly items: readonly T[] | null;
  readonly metadata: { readonly continue?: string; readonly resourceVersion: string };
}

/** The kind without the rest of a reference or object. */
function kindOf({ apiVersion, kind }: KindRef): KindRef {
  return { apiVersion, kind };
}

function bodyOf<T>(answer: ApiAnswer, call: string): T {
  if (answer.status < 200 || answer.status > 299) throw refusal(answer, call);
  return answer.body as T;
}
