import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import {
  installationRules,
  installationSecret,
  kubernetesRules,
  type PolicyRule,
  secretRules,
  secretsRole,
} from '../../plan/controller-requirements';
import type { Labels } from '../metadata';
import type { ControllerInstallProps } from './controller-install-props';

export interface ControllerPermissionsProps
  extends Pick<ControllerInstallProps, 'watchNamespaces' | 'secretNamespaces'> {
  /** Name of the controller's account, and of these objects. */
  readonly name: string;
  readonly labels: Labels;
  readonly namespace: string;
  /** Existing Secret with the installation key; default: the controller makes one. */
  readonly keySecret?: string;
}

/** The scope of a Role or of a binding: a namespace, or the cluster. */
type Scope = { readonly namespace: string } | 'cluster';

/**
 * The permissions of a controller: a Role in each watched namespace, or a ClusterRole without Secrets and a second one with
 * Secrets, which is bound per namespace; and a Role for the Secret with the installation key.
 */
export class ControllerPermissions extends Construct {
  constructor(
    scope: Construct,
    id: string,
    private readonly props: ControllerPermissionsProps,
  ) {
    super(scope, id);
    const { name, namespace, watchNamespaces, keySecret } = props;
    if (watchNamespaces === undefined) this.cluster();
    for (const watched of new Set(watchNamespaces)) {
      const place = { namespace: watched };
      this.role(`role-${watched}`, { name, scope: place, rules: [...kubernetesRules, ...secretRules] });
      this.binding(`binding-${watched}`, { name, scope: place, role: name, roleScope: place });
    }
    const own = { name: `${name}-installation`, scope: { namespace } };
    this.role('installation', {
      ...own,
      rules: installationRules(keySecret ?? installationSecret, keySecret === undefined),
    });
    this.binding('installation-binding', { ...own, role: own.name, roleScope: own.scope });
  }

  private cluster(): void {
    const { name, namespace, secretNamespaces = [] } = this.props;
    const all = { name: `${name}-${namespace}`, scope: 'cluster' } as const; // installations of a cluster have one each
    this.role('role-all', { ...all, rules: kubernetesRules });
    this.binding('binding-all', { ...all, role: all.name, roleScope: 'cluster' });
    this.role('role-secrets', { name: secretsRole, scope: 'cluster', rules: secretRules });
    const scopes: readonly Scope[] =
      secretNamespaces === 'all' ? ['cluster'] : [...new Set(secretNamespaces)].map((namespace) => ({ namespace }));
    for (const scope of scopes) {
      const id = `binding-secrets-${scope === 'cluster' ? 'all' : scope.namespace}`;
      const bound = scope === 'cluster' ? `${secretsRole}-${namespace}` : secretsRole;
      this.binding(id, { name: bound, scope, role: secretsRole, roleScope: 'cluster' });
    }
  }

  private role(id: string, { name, scope, rules }: Named & { readonly rules: readonly PolicyRule[] }): void {
    new ApiObject(this, id, { ...rbac(`${prefixOf(scope)}Role`), metadata: this.metadata({ name, scope }), rules });
  }

  private binding(
    id: string,
    { role, roleScope, ...named }: Named & { readonly role: string; readonly roleScope: Scope },
  ) {
    const { name, namespace } = this.props;
    new ApiObject(this, id, {
      ...rbac(`${prefixOf(named.scope)}RoleBinding`),
      metadata: this.metadata(named),
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: `${prefixOf(roleScope)}Role`, name: role },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    });
  }

  private metadata({ name, scope }: Named): object {
    return { name, labels: this.props.labels, ...(scope === 'cluster' ? {} : scope) };
  }
}

interface Named {
  readonly name: string;
  readonly scope: Scope;
}

function prefixOf(scope: Scope): 'Cluster' | '' {
  return scope === 'cluster' ? 'Cluster' : '';
}

function rbac(kind: string): { readonly apiVersion: string; readonly kind: string } {
  return { apiVersion: 'rbac.authorization.k8s.io/v1', kind };
}
