import { ApiObject, Chart } from 'cdk8s';
import type { Construct } from 'constructs';
import type { Labels } from './metadata';

export interface FlowNamespaceProps {
  readonly name: string;
  /** More labels, or other values. */
  readonly labels?: Labels;
}

/** A namespace for flows, which admits only pods of the Pod Security Standard *restricted*, as those of flows are. */
export class FlowNamespace extends Chart {
  constructor(scope: Construct, id: string, { name, labels = {} }: FlowNamespaceProps) {
    super(scope, id);
    const security = ['enforce', 'warn', 'audit'].map((mode) => [`pod-security.kubernetes.io/${mode}`, 'restricted']);
    new ApiObject(this, 'Resource', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name,
        labels: { ...Object.fromEntries(security), ...labels },
        // before the objects in it
        annotations: { 'argocd.argoproj.io/sync-wave': '-1' },
      },
    });
  }
}
