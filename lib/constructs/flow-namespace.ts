import { ApiObject, Chart } from 'cdk8s';
import type { Construct } from 'constructs';
import { ConfigError } from '../errors';
import { type Labels, metadata, restrictedPods, SyncWave } from './metadata';
import { namespaceFaults } from './settings-faults';

export interface FlowNamespaceProps {
  readonly name: string;
  /** More labels, or other values. */
  readonly labels?: Labels;
}

/** A namespace for flows, which admits only pods of the Pod Security Standard *restricted*, as those of flows are. */
export class FlowNamespace extends Chart {
  /** Throws ConfigError for a name that Kubernetes would refuse. */
  constructor(scope: Construct, id: string, { name, labels = {} }: FlowNamespaceProps) {
    const faults = namespaceFaults({ name });
    if (faults.length > 0) throw new ConfigError('config-invalid', faults.join('\n'));
    super(scope, id);
    new ApiObject(this, 'Resource', {
      apiVersion: 'v1',
      kind: 'Namespace',
      // before the objects in it
      metadata: metadata(SyncWave.Accounts, { name, labels: { ...restrictedPods, ...labels } }),
    });
  }
}
