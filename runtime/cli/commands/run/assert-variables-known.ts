import { ConfigError } from '../../../../lib/errors';
import type { FlowPlan } from '../../../../lib/plan/flow-plan';

/** Throws ConfigError that names the first variable whose value only a cluster has. */
export function assertVariablesKnown(plan: FlowPlan): void {
  const secrets = new Map(plan.secrets.map((secret) => [secret.name, secret.entries]));
  for (const { function: functionId, secretEnv, container } of plan.workloads) {
    for (const { name, secret, key } of secretEnv) {
      if (secrets.get(secret)?.[key] !== undefined) continue;
      throw new ConfigError(
        'config-invalid',
        `${functionId}: ${name} is the ${key} of the secret ${secret} of a cluster, which is not there; give user and password`,
      );
    }
    for (const { name, valueFrom } of container.env) {
      if (valueFrom === undefined) continue;
      throw new ConfigError(
        'config-invalid',
        `${functionId}: ${name} is taken from the cluster (valueFrom), which is not there; set it with --set dag.${functionId}.meta.container.env`,
      );
    }
  }
}
