import type { IConstruct } from 'constructs';
import { ownLabel } from '../topology/check/check-pod';
import { isLabelName, isLabelValue } from '../topology/document/dns-label';
import type { Topology } from '../topology/document/topology';
import { quote } from '../topology/problem/show-value';
import { flowLabels, type Labels } from './metadata';
import { namespaceFaults } from './settings-faults';

/** The flows of each app by namespace and jobId. */
const flowsOfApps = new WeakMap<IConstruct, Map<string, IConstruct>>();

/**
 * What keeps a flow from being found by its namespace and jobId: an invalid namespace, labels that replace those of
 * KFlow, or the same flow once more in the app. Two charts of one flow would write the same objects, and share their streams.
 */
export function identityFaults(
  flow: IConstruct,
  { namespace, jobId }: Pick<Topology, 'namespace' | 'jobId'>,
  labels: Labels,
): readonly string[] {
  const faults: string[] = [];
  faults.push(...namespaceFaults({ namespace }));
  for (const [name, value] of Object.entries(labels)) {
    const isValue = typeof value === 'string' && isLabelValue(value);
    const wrong = isLabelName(name) ? (isValue ? undefined : `${name}: ${value}`) : name;
    if (wrong !== undefined) faults.push(`labels: not a valid Kubernetes label: ${quote(wrong)}`);
    if (ownLabel.test(name) && !(name in flowLabels({ jobId }))) {
      faults.push(`labels: "${name}" is set by KFlow; use another label`);
    }
  }
  for (const [name, value] of Object.entries(flowLabels({ jobId }))) {
    const given = labels[name];
    if (given === undefined || given === value) continue;
    faults.push(
      `labels: KFlow finds the objects of the flow by "${name}: ${value}"; got ${quote(given)}, use another label`,
    );
  }
  const flows = flowsOf(flow.node.root);
  const name = `${namespace}/${jobId}`;
  const first = flows.get(name);
  if (first === undefined) flows.set(name, flow);
  else {
    const remedy = 'give one another namespace or jobId, or use an App for each cluster';
    faults.push(`the flow "${name}" is in this app already, as [${first.node.path}]; ${remedy}`);
  }
  return faults;
}

function flowsOf(app: IConstruct): Map<string, IConstruct> {
  const flows = flowsOfApps.get(app) ?? new Map<string, IConstruct>();
  flowsOfApps.set(app, flows);
  return flows;
}
