import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { kubernetesRules } from '../../plan/controller-requirements';
import type { Labels } from '../metadata';

export interface ControllerPermissionsProps {
  /** Name of the controller's account, and of these objects. */
  readonly name: string;
  readonly labels: Labels;
  readonly namespace: string;
  /** Default: every namespace. */
  readonly watchNamespaces?: readonly string[];
}

/** The permissions of a controller: a Role in each watched namespace, or a ClusterRole. */
export class ControllerPermissions extends Construct {
  constructor(
    scope: Construct,
    id: string,
    private readonly props: ControllerPermissionsProps,
  ) {
    super(scope, id);
    if (props.watchNamespaces === undefined) this.grant('Cluster');
    else for (const namespace of new Set(props.watchNamespaces)) this.grant('', namespace);
  }

  private grant(scope: 'Cluster' | '', namespace?: string): void {
    const { name, labels } = this.props;
    const apiVersion = 'rbac.authorization.k8s.io/v1';
    const metadata = { name, labels, ...(namespace === undefined ? {} : { namespace }) };
    const suffix = namespace ?? 'all';
    new ApiObject(this, `role-${suffix}`, { apiVersion, kind: `${scope}Role`, metadata, rules: kubernetesRules });
    new ApiObject(this, `binding-${suffix}`, {
      apiVersion,
      kind: `${scope}RoleBinding`,
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: `${scope}Role`, name },
      subjects: [{ kind: 'ServiceAccount', name, namespace: this.props.namespace }],
    });
  }
}
