/**
 * Node options of a controller. Without a limit, the heap grows as long as the machine has free memory. A controller with
 * two hundred flows needs about half of this limit.
 */
export const controllerNodeOptions = '--max-old-space-size=256';

/** A kind of Kubernetes object, with the name of its resource in API paths and RBAC rules. */
export interface FlowKind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly resource: string;
}

/** The kinds that run functions. */
export const workloadKinds = [
  { apiVersion: 'apps/v1', kind: 'Deployment', resource: 'deployments' },
  { apiVersion: 'apps/v1', kind: 'StatefulSet', resource: 'statefulsets' },
  { apiVersion: 'batch/v1', kind: 'Job', resource: 'jobs' },
] as const satisfies readonly FlowKind[];

/**
 * Every kind of object that the controller creates for a flow. NACK's Streams, Consumers and KeyValues are not included:
 * the controller creates streams itself, and deleting NACK's objects may delete the data.
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
  /** The only objects that the rule is for; default: all. */
  readonly resourceNames?: readonly string[];
}

/** The verbs for objects that the controller makes; a server-side apply that creates an object needs `create`. */
const ownObjectVerbs = ['get', 'list', 'create', 'patch', 'delete'];

/** The permissions of a controller in the namespaces of its flows, without those for Secrets: exactly those that it uses. */
export const kubernetesRules: readonly PolicyRule[] = [
  ...rulesOf(
    flowKinds.filter(({ kind }) => kind !== 'Secret'),
    ownObjectVerbs,
  ),
  ...rulesOf(workloadKinds, ['watch']),
  // the controller watches only the metadata of the ConfigMaps that represent flows
  { apiGroups: [''], resources: ['configmaps'], verbs: ['watch'] },
  { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch', 'delete'] },
  { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
  // events say why a pod cannot be created
  { apiGroups: [''], resources: ['events'], verbs: ['list'] },
];

/** The permissions for the Secrets of flows, which a controller needs in the namespaces of flows that have passwords. */
export const secretRules: readonly PolicyRule[] = [{ apiGroups: [''], resources: ['secrets'], verbs: ownObjectVerbs }];

/** Name of the ClusterRole with `secretRules`, to bind in a namespace. */
export const secretsRole = 'kflow-flow-secrets';

/** Name of the Secret with the installation key, in the namespace of the controller. */
export const installationSecret = 'kflow-installation';

/** Names of task queues of the Temporal server that a controller accepts. */
export const taskQueueName = /^[A-Za-z0-9._-]+$/;

/** The permissions for the Secret with the installation key. The right to create cannot be limited to a name. */
export function installationRules(secret: string, isMade: boolean): readonly PolicyRule[] {
  const one = { apiGroups: [''], resources: ['secrets'] };
  return [{ ...one, resourceNames: [secret], verbs: ['get'] }, ...(isMade ? [{ ...one, verbs: ['create'] }] : [])];
}

/** One rule per API group. */
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
