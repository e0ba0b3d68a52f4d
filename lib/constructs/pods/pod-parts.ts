import type { SecretVariable } from '../../plan/flow-plan';
import type { EnvVariable } from '../../topology/document/container-settings';
import type { Labels } from '../metadata';

/** Security context of a pod that the Pod Security Standard *restricted* admits. */
export const podSecurity = {
  runAsNonRoot: true,
  runAsUser: 1000,
  runAsGroup: 1000,
  fsGroup: 1000,
  seccompProfile: { type: 'RuntimeDefault' },
} as const;

/** Security context of a container that the Pod Security Standard *restricted* admits. */
export const containerSecurity = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
} as const;

/** Variables whose values come from Secrets. */
export function secretVariables(variables: readonly SecretVariable[]): readonly EnvVariable[] {
  return variables.map(({ name, secret, key }) => ({ name, valueFrom: { secretKeyRef: { name: secret, key } } }));
}

/** A probe of the container's HTTP port. */
export function httpProbe(
  path: string,
  times: { readonly periodSeconds: number; readonly failureThreshold: number },
  scheme?: 'HTTPS',
): object {
  return { httpGet: { path, port: 'http', ...(scheme && { scheme }) }, timeoutSeconds: 5, ...times };
}

/** Spreads the selected pods over the nodes as far as possible. */
export function spreadOverNodes(selector: Labels): object {
  return {
    maxSkew: 1,
    topologyKey: 'kubernetes.io/hostname',
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels: selector },
  };
}
