import type { SecretVariable } from '../plan/flow-plan';
import type { EnvVariable } from '../topology/document/container-settings';

/** Variables that Kubernetes takes from Secrets. */
export function secretVariables(variables: readonly SecretVariable[]): readonly EnvVariable[] {
  return variables.map(({ name, secret, key }) => ({ name, valueFrom: { secretKeyRef: { name: secret, key } } }));
}
