/** A kind of Kubernetes, and the name of its resource in paths and rules. */
export interface FlowKind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly resource: string;
}

/** What runs functions. */
export const workloadKinds = [
  { apiVersion: 'apps/v1', kind: 'Deployment', resource: 'deployments' },
  { apiVersion: 'apps/v1', kind: 'StatefulSet', resource: 'statefulsets' },
  { apiVersion: 'batch/v1', kind: 'Job', resource: 'jobs' },
] as const satisfies readonly FlowKind[];

/**
 * Every kind of object that a controller makes for a flow. NACK's Streams, Consumers and KeyValues are not among them: a
 * controller makes streams itself, and what removes these objects may remove the data.
 */
export const flowKinds: readonly FlowKind[] = [
  { apiVersion: 'v1', kind: 'ServiceAccount', resource: 'serviceaccounts' },
  { apiVersion: 'v1', kind: 'Secret', resource: 'secrets' },
  { apiVersion: 'v1', kind: 'ConfigMap', resource: 'configmaps' },
  { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', resource: 'networkpolicies' },
  { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', resource: 'poddisruptionbudgets' },
  { apiVersion: 'v1', kind: 'Service', resource: 'services' },
  ...workloadKinds,
];
