import { ApiObject, Chart } from 'cdk8s';
import { ConfigError } from '../errors';
import type { FlowPlan, PlannedSecret, PlannedWorkload } from '../plan/flow-plan';
import { FlowApp } from './flow-app';
import type { Manifest } from './manifest';
import { flowLabels, metadata, SyncWave } from './metadata';
import { addFlowAccount, addFlowWorkloads, type WorkloadSettings } from './workloads/flow-workloads';
import { FunctionConfig } from './workloads/function-config';

export type { WorkloadSettings };

/**
 * The objects that the controller applies for a flow, in order: those that `Flow` renders, without streams, consumers and
 * buckets and without annotations for Argo CD, and the Secrets whose values are all in the plan. Their Jobs succeed also with
 * dead letters, which the controller reports. Throws ConfigError
 * `config-invalid` with every fault, such as code that does not fit into a ConfigMap.
 */
export function renderWorkloads(plan: FlowPlan, settings: WorkloadSettings): readonly Manifest[] {
  const app = new FlowApp();
  const chart = new Chart(app, plan.jobId, { namespace: plan.namespace, labels: flowLabels(plan) });
  addFlowAccount(chart, plan);
  for (const secret of plan.secrets) addSecret(chart, secret);
  addFlowWorkloads(chart, plan, { ...settings, isWatched: true, replacesJobs: true });
  const nodes = chart.node.findAll();
  const faults = nodes.flatMap(({ node }) => node.validate());
  if (faults.length > 0) throw new ConfigError('config-invalid', faults.join('\n'));
  return nodes.filter(ApiObject.isApiObject).map((object) => withoutArgo(object.toJson()));
}

/**
 * The default start of the `kflow.io/spec-hash` of a workload's template: the hash of what its replicas read at their
 * start, without image, variables and credentials.
 */
export function specHash(workload: Pick<PlannedWorkload, 'kind' | 'spec'>): string {
  return new FunctionConfig(workload).hash;
}

function addSecret(chart: Chart, { name, entries, isGiven }: PlannedSecret): void {
  if (isGiven === true) return;
  const data: Record<string, string> = {};
  for (const [key, value] of Object.entries(entries)) {
    if (value === undefined) return;
    data[key] = Buffer.from(value, 'utf8').toString('base64');
  }
  new ApiObject(chart, `Secret-${name}`, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: metadata(SyncWave.Streams, { name }),
    type: 'Opaque',
    data,
  });
}

function withoutArgo(manifest: Manifest): Manifest {
  const { annotations = {}, ...others } = manifest.metadata as Manifest['metadata'] & { annotations?: object };
  const kept = Object.entries(annotations).filter(([name]) => !name.startsWith('argocd.argoproj.io/'));
  const metadata = kept.length === 0 ? others : { ...others, annotations: Object.fromEntries(kept) };
  return { ...manifest, metadata };
}
