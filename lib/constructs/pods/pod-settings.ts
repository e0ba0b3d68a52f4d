import type { ContainerSettings } from '../../topology/document/container-settings';
import type { Labels } from '../metadata';
import { podSecurity, spreadOverNodes } from './pod-parts';

/** What applies to the pods of all functions unless the document says otherwise. */
export interface PodDefaults {
  /** Names of Secrets by which images are pulled, in addition to those of the document. */
  readonly imagePullSecrets?: readonly string[];
  readonly imagePullPolicy?: string;
  /** A uid, or `cluster` if the cluster assigns one; default: 1000. */
  readonly runAsUser?: number | 'cluster';
}

type Settings = Omit<ContainerSettings, 'env' | 'envFrom' | 'resources' | 'volumes' | 'volumeMounts' | 'sidecars'>;

/** The fields of a pod's spec beside its containers and volumes. `selector` selects the pods of the same function. */
export function renderPodSettings(
  settings: Settings,
  { serviceAccount, selector, defaults = {}, grace }: PodContext,
): object {
  const secrets = new Set([...(defaults.imagePullSecrets ?? []), ...settings.imagePullSecrets]);
  const { serviceAccountName = serviceAccount, automountServiceAccountToken = false } = settings;
  const { priorityClassName, runtimeClassName, nodeSelector, affinity, tolerations } = settings;
  return {
    serviceAccountName,
    automountServiceAccountToken,
    enableServiceLinks: false,
    ...(grace === undefined ? {} : { terminationGracePeriodSeconds: grace }),
    securityContext: securityOf(settings.runAsUser ?? defaults.runAsUser),
    ...present(
      'imagePullSecrets',
      [...secrets].map((name) => ({ name })),
    ),
    ...present('priorityClassName', priorityClassName),
    ...present('runtimeClassName', runtimeClassName),
    ...present('nodeSelector', nodeSelector),
    ...present('affinity', affinity),
    ...present('tolerations', tolerations),
    ...present('topologySpreadConstraints', spreadOf(settings, selector)),
  };
}

interface PodContext {
  /** Account of pods for which the document names none. */
  readonly serviceAccount: string;
  /** Labels of the pods of the same function. Without it, the pods are not spread. */
  readonly selector?: Labels;
  readonly defaults?: PodDefaults;
  /** Seconds until a pod that was asked to stop is killed. */
  readonly grace?: number;
}

/** Security context of a pod. Where the cluster assigns uids, one that the pod names is refused (OpenShift). */
function securityOf(user: PodDefaults['runAsUser']): object {
  const { runAsUser: _user, runAsGroup: _group, fsGroup: _files, ...others } = podSecurity;
  if (user === 'cluster') return others;
  return user === undefined ? podSecurity : { ...podSecurity, runAsUser: user, runAsGroup: user, fsGroup: user };
}

/** Even of one replica, because scaling must not change the template. */
function spreadOf({ topologySpreadConstraints: given }: Settings, selector: Labels | undefined): readonly object[] {
  if (selector === undefined) return given ?? [];
  return (
    given?.map((constraint) => ({
      ...constraint,
      labelSelector: constraint.labelSelector ?? { matchLabels: selector },
    })) ?? [spreadOverNodes(selector)]
  );
}

function present(key: string, value: unknown): { readonly [key: string]: unknown } {
  return value === undefined || (typeof value === 'object' && Object.keys(value ?? {}).length === 0)
    ? {}
    : { [key]: value };
}
