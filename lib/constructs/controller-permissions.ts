import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { kubernetesRules } from '../plan/controller-requirements';
import type { Labels } from './metadata';

export interface ControllerPermissionsProps {
  /** Of the controller's account, and of everything here. */
  readonly name: string;
  readonly labels: Labels;
  readonly namespace: string;
  /** Left out: every namespace. */
  readonly watchNamespaces?: readonly string[];
}

/** What a controller may do: in each namespace whose flows it runs by a Role there, or everywhere by a ClusterRole. */
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
    const place = namespace ?? 'all';
    new ApiObject(this, `role-${place}`, { apiVersion, kind: `${scope}Role`, metadata, rules: kubernetesRules });
    new ApiObject(this, `binding-${place}`, {
      apiVersion,
      kind: `${scope}RoleBinding`,
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: `${scope}Role`, name },
      subjects: [{ kind: 'ServiceAccount', name, namespace: this.props.namespace }],
    });
  }
}
