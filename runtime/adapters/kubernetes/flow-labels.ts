import { ConfigError } from '../../../lib/errors';
import { type FlowKey, flowName } from '../../api-contract/flow-key';
import type { ObjectMetadata } from './kubernetes-objects';

const managedBy = 'app.kubernetes.io/managed-by';
const job = 'kflow.io/job';

/** Labels of the owner object of a flow, and of no other object. */
export const ownerLabels = { 'kflow.io/component': 'flow' } as const;

/** Labels of the objects of a flow. */
export function flowLabels({ jobId }: Pick<FlowKey, 'jobId'>): { readonly [name: string]: string } {
  return { [managedBy]: 'kflow', [job]: jobId };
}

/** Label selector of the objects of a flow; default: of all flows. */
export function flowSelector(flow?: Pick<FlowKey, 'jobId'>): string {
  return `${managedBy}=kflow,${job}${flow === undefined ? '' : `=${flow.jobId}`}`;
}

/** Label selector of the owner objects of all flows. */
export function ownerSelector(): string {
  return `${flowSelector()},${Object.entries(ownerLabels).join().replace(',', '=')}`;
}

/** The flow that an object belongs to by its labels; undefined if it belongs to none. */
export function flowOf({ metadata }: ObjectMetadata): FlowKey | undefined {
  const { namespace, labels = {} } = metadata;
  const jobId = labels[job];
  return labels[managedBy] === 'kflow' && jobId !== undefined && namespace !== undefined
    ? { namespace, jobId }
    : undefined;
}

/** Throws ConfigError `config-invalid` for a live object that does not belong to the flow: KFlow never changes those. */
export function assertOwned(flow: FlowKey, live: ObjectMetadata): void {
  const { kind, metadata } = live;
  if (flowOf(live)?.jobId === flow.jobId) return;
  const other = metadata.labels?.[job];
  const owner = other === undefined ? 'has no labels of a flow' : `belongs to the flow ${metadata.namespace}/${other}`;
  const what = `flow ${flowName(flow)}: the ${kind} ${metadata.namespace}/${metadata.name} already exists and ${owner}`;
  throw new ConfigError('config-invalid', `${what}; delete it, or choose another jobId`, {
    where: `${kind} ${metadata.name}`,
  });
}
