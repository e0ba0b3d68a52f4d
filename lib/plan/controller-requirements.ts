/**
 * How node is to run a controller: without a limit it lets garbage lie for as long as there is memory. Two hundred flows
 * need about half of it.
 */
export const controllerNodeOptions = '--max-old-space-size=256';

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

/** A rule of a Role or ClusterRole. */
export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** All that a controller may do in the namespaces of its flows, and nothing that it does not do. */
export const kubernetesRules: readonly PolicyRule[] = [
  // the server wants `create` of an apply that makes an object
  ...rulesOf(flowKinds, ['get', 'list', 'create', 'patch', 'delete']),
  ...rulesOf(workloadKinds, ['watch']),
  // of these only the metadata of those that stand for a flow
  { apiGroups: [''], resources: ['configmaps'], verbs: ['watch'] },
  { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch', 'delete'] },
  { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
  // why a pod cannot be made
  { apiGroups: [''], resources: ['events'], verbs: ['list'] },
];

/** One rule for each group. */
function rulesOf(kinds: readonly FlowKind[], verbs: readonly string[]): PolicyRule[] {
  const groups = new Set(kinds.map(groupOf));
  return [...groups].map((group) => ({
    apiGroups: [group],
    resources: kinds.filter((kind) => groupOf(kind) === group).map(({ resource }) => resource),
    verbs,
  }));
}

function groupOf({ apiVersion }: FlowKind): string {
  return apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
}
