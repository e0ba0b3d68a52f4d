import { renderWorkloads, specHash, type WorkloadSettings } from '../../../../lib/constructs/controlled-flow';
import type { FlowPlan, PlannedWorkload } from '../../../../lib/plan/flow-plan';
import { natsLoginSecret } from '../../../../lib/plan/names';
import type { Cluster } from '../../ports/cluster';
import type { CredentialFiles } from '../../ports/flow-logins';
import type { KubernetesObject } from '../../ports/kubernetes-object';
import type { ApplyStep } from '../workflow/flow-activities';
import { ActivityLease } from './activity-lease';

interface AppliedStep extends Pick<ApplyStep, 'flow' | 'halt' | 'pauses' | 'without' | 'pins' | 'restarts'> {
  readonly settings: WorkloadSettings;
  readonly login: CredentialFiles | undefined;
}

/**
 * Applies a step and removes every other object of the flow. `login` is what its replicas log in at nats with, if they have a
 * login of their own. Returns the hash of each function's template.
 */
export async function applyFlow(
  cluster: Cluster,
  plan: FlowPlan,
  step: AppliedStep,
): Promise<{ readonly [functionId: string]: string }> {
  const { flow, settings, without, login } = step;
  const present = plan.workloads.filter(({ function: id }) => !without.includes(id));
  const hashes = Object.fromEntries(present.map((workload) => [workload.function, hashOf(workload, step)]));
  const workloads = present.map((workload) => ({ ...workload, isPaused: isPaused(workload, step) }));
  const name = natsLoginSecret(flow);
  const secrets = login === undefined ? plan.secrets : [...plan.secrets, { name, entries: login }];
  const natsSecrets = login === undefined ? settings.natsSecrets : [...(settings.natsSecrets ?? []), name];
  const manifests = renderWorkloads({ ...plan, workloads, secrets }, { ...settings, natsSecrets, hashes });
  const objects = manifests.map(withKindLabel);
  ActivityLease.assertHeld();
  await cluster.apply(flow, objects);
  ActivityLease.assertHeld();
  await cluster.prune(flow, objects);
  return hashes;
}

/** Labels an object as a flow's. Pod templates do not get the label, because a changed template would replace replicas. */
function withKindLabel(object: KubernetesObject): KubernetesObject {
  const { metadata } = object;
  return { ...object, metadata: { ...metadata, labels: { ...metadata.labels, 'kflow.io/kind': 'flow' } } };
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
