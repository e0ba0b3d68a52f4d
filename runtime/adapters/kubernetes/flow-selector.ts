import type { FlowKey } from '../../api-contract/flow-key';
import type { ObjectMetadata } from './kubernetes-objects';

const managedBy = 'app.kubernetes.io/managed-by';
const job = 'kflow.io/job';

/** On the object that stands for a flow, and on no other. */
export const ownerLabels = { 'kflow.io/component': 'flow' } as const;

/** Labels by which an object is a flow's. */
export function flowLabels({ jobId }: Pick<FlowKey, 'jobId'>): { readonly [name: string]: string } {
  return { [managedBy]: 'kflow', [job]: jobId };
}

/** Label selector of the objects of a flow; left out, of all flows. */
export function flowSelector(flow?: Pick<FlowKey, 'jobId'>): string {
  return `${managedBy}=kflow,${job}${flow === undefined ? '' : `=${flow.jobId}`}`;
}

/** Label selector of the objects that stand for flows. */
export function ownerSelector(): string {
  return `${flowSelector()},${Object.entries(ownerLabels).join().replace(',', '=')}`;
}

/** The flow an object is one of; undefined when its labels say that it is none of ours. */
export function flowOf({ metadata }: ObjectMetadata): FlowKey | undefined {
  const { namespace, labels = {} } = metadata;
  const jobId = labels[job];
  return labels[managedBy] === 'kflow' && jobId !== undefined && namespace !== undefined
    ? { namespace, jobId }
    : undefined;
}
