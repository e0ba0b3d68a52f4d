import type { PolicyRule } from '../../../lib/plan/controller-requirements';
import { Limit } from '../../async/limit';
import { ApiConnection } from './api/api-connection';
import { refusal } from './api/api-refusal';
import { type KubeConfigOptions, loadKubeConfig } from './api/load-kube-config';

/** A right: `create deployments.apps`, `get secrets kflow-installation`. */
interface Right {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly name?: string;
}

const maxRequests = 8;
const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';

/** Asks a cluster what the account of a kubeconfig may do there. Changes nothing. */
export class AccessReview {
  private constructor(private readonly api: ApiConnection) {}

  /** Reads the kubeconfig without connecting. Throws ConfigError `config-invalid`. */
  static async open(options: KubeConfigOptions): Promise<AccessReview> {
    return new AccessReview(new ApiConnection(await loadKubeConfig(options)));
  }

  /** `https://10.0.0.1:6443 (context "prod")` */
  get cluster(): string {
    const { url, context } = this.api.target;
    return `${url} (context "${context}")`;
  }

  /** Namespace of the context, or `default`. */
  get namespace(): string {
    return this.api.target.namespace;
  }

  /** As in `v1.36.3`. Throws ConfigError or StoreError if the cluster does not respond. */
  async version(): Promise<string> {
    const answer = await this.api.request({ method: 'GET', path: '/version' });
    if (answer.status !== 200) throw refusal(answer, 'read the version');
    return (answer.body as { readonly gitVersion?: string }).gitVersion ?? 'unknown';
  }

  /** The rights of the rules that are missing in a namespace, or in all of them. */
  async missing(rules: readonly PolicyRule[], namespace?: string): Promise<readonly string[]> {
    const rights = rules.flatMap(rightsOf);
    const answers = await new Limit(maxRequests).map(rights, (right) => this.may(right, namespace));
    return rights.filter((_, index) => answers[index] === false).map(textOf);
  }

  close(): void {
    this.api.close();
  }

  private async may({ verb, group, resource, name }: Right, namespace?: string): Promise<boolean> {
    const [base = '', subresource] = resource.split('/');
    const resourceAttributes = { verb, group, resource: base, subresource, name, namespace };
    const apiVersion = 'authorization.k8s.io/v1';
    const body = { apiVersion, kind: 'SelfSubjectAccessReview', spec: { resourceAttributes } };
    const answer = await this.api.request({ method: 'POST', path, body });
    if (answer.status !== 201) throw refusal(answer, 'review the access');
    return (answer.body as { readonly status: { readonly allowed: boolean } }).status.allowed;
  }
}

function rightsOf({ apiGroups, resources, verbs, resourceNames = [undefined] }: Rule): Right[] {
  return apiGroups.flatMap((group) =>
    resources.flatMap((resource) =>
      verbs.flatMap((verb) =>
        resourceNames.map((name) => ({ verb, group, resource, ...(name === undefined ? {} : { name }) })),
      ),
    ),
  );
}

type Rule = Omit<PolicyRule, 'resourceNames'> & { readonly resourceNames?: readonly (string | undefined)[] };

function textOf({ verb, group, resource, name }: Right): string {
  return [verb, group === '' ? resource : `${resource}.${group}`, name].filter((part) => part !== undefined).join(' ');
}
