import { type FlowKind, flowKinds, workloadKinds } from './flow-kinds';

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
