import { ConfigError } from '../../../../lib/errors';
import type { FlowPlan } from '../../../../lib/plan/flow-plan';

/** Throws ConfigError for the first variable whose value only a cluster has. */
export function assertVariablesKnown(plan: FlowPlan): void {
  const secrets = new Map(plan.secrets.map((secret) => [secret.name, secret.entries]));
  for (const { function: functionId, secretEnv, container } of plan.workloads) {
    for (const { name, secret, key } of secretEnv) {
      if (secrets.get(secret)?.[key] !== undefined) continue;
      throw new ConfigError(
        'config-invalid',
        `${functionId}: ${name} comes from the key ${key} of the Secret ${secret}, which exists only in a cluster; set user and password`,
      );
    }
    for (const { name, valueFrom } of container.env) {
      if (valueFrom === undefined) continue;
      throw new ConfigError(
        'config-invalid',
        `${functionId}: ${name} comes from a cluster (valueFrom); set the variable with --set dag.${functionId}.meta.container.env`,
      );
    }
  }
}
