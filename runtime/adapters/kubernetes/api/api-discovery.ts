import type { KindRef, ObjectRef } from '../../../controller/ports/kubernetes-object';
import type { ApiConnection } from './api-connection';
import { refusal } from './api-refusal';

interface ApiResource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

/** The paths of kinds and objects. The kinds of a group are requested once, and again if a kind is missing. */
export class ApiDiscovery {
  private readonly groups = new Map<string, readonly ApiResource[]>();

  constructor(private readonly api: ApiConnection) {}

  /** The path of a kind in one namespace or all; undefined if the server does not know the kind. */
  async pathOfKind(ref: KindRef, namespace?: string): Promise<string | undefined> {
    const resource = await this.resourceOf(ref);
    if (resource === undefined) return undefined;
    const scope = resource.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
    return `${groupPath(ref.apiVersion)}${scope}/${resource.name}`;
  }

  /** The path of an object; undefined if the server does not know its kind. */
  async pathOf(ref: ObjectRef): Promise<string | undefined> {
    const { name, namespace = this.api.target.namespace } = ref.metadata;
    const path = await this.pathOfKind(ref, namespace);
    return path && `${path}/${encodeURIComponent(name)}`;
  }

  private async resourceOf({ apiVersion, kind }: KindRef): Promise<ApiResource | undefined> {
    // names with a slash, such as `pods/log`, are subresources
    const find = () => this.groups.get(apiVersion)?.find((each) => each.kind === kind && !each.name.includes('/'));
    const known = find();
    if (known !== undefined) return known;
    const answer = await this.api.request({ method: 'GET', path: groupPath(apiVersion) });
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw refusal(answer, `list the kinds of ${apiVersion}`);
    this.groups.set(apiVersion, (answer.body as { readonly resources: readonly ApiResource[] }).resources);
    return find();
  }
}

function groupPath(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}
