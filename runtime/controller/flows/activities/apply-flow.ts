import { renderWorkloads, specHash } from '../../../../lib/constructs/controlled-flow';
import type { FlowPlan, PlannedWorkload } from '../../../../lib/plan/flow-plan';
import type { Cluster } from '../../ports/cluster';
import type { KubernetesObject } from '../../ports/kubernetes-object';
import type { ApplyStep } from '../workflow/flow-activities';
import { Lease } from './lease';

/** What pods need to know beside the flow. */
export interface PodSettings {
  /** Image of the runtime, for functions that name none. */
  readonly image: string;
  /** Address of nats as the pods see it. */
  readonly natsUrl: string;
}

/** Makes the cluster run what a step asks for, and nothing else of the flow. Gives each template's hash. */
export async function applyFlow(
  cluster: Cluster,
  plan: FlowPlan,
  step: Pick<ApplyStep, 'flow' | 'halt' | 'pauses' | 'without' | 'pins' | 'restarts'> & PodSettings,
): Promise<{ readonly [functionId: string]: string }> {
  const { flow, image, natsUrl, without } = step;
  const present = plan.workloads.filter(({ function: id }) => !without.includes(id));
  const hashes = Object.fromEntries(present.map((workload) => [workload.function, hashOf(workload, step)]));
  const workloads = present.map((workload) => ({ ...workload, isPaused: isPaused(workload, step) }));
  const manifests = renderWorkloads({ ...plan, workloads }, { image, natsUrl, hashes });
  const objects: readonly KubernetesObject[] = manifests;
  Lease.assertHeld();
  await cluster.apply(flow, objects);
  Lease.assertHeld();
  await cluster.prune(flow, objects);
  return hashes;
}

function hashOf(workload: PlannedWorkload, { pins, restarts }: Pick<ApplyStep, 'pins' | 'restarts'>): string {
  const { function: id } = workload;
  const pin = pins[id];
  if (pin !== undefined) return pin;
  const restart = restarts[id];
  return restart === undefined ? specHash(workload) : `${specHash(workload)}-${restart}`;
}

function isPaused(workload: PlannedWorkload, { halt, pauses }: Pick<ApplyStep, 'halt' | 'pauses'>): boolean {
  if (halt === 'all' || (halt === 'sources' && workload.spec.inputs.length === 0)) return true;
  return pauses[workload.function] ?? workload.isPaused;
}
