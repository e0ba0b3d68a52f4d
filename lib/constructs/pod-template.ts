import type { PlannedWorkload } from '../plan/flow-plan';
import { timing } from '../plan/replica-lifecycle';
import { type FunctionContainerProps, renderContainer } from './function-container';
import { flowLabels, functionLabels, podSelector } from './metadata';
import { containerSecurity, podSecurity } from './pod-security';

/** Between the end of the time to finish and SIGKILL. */
const marginSeconds = 5;

export interface PodTemplateProps extends FunctionContainerProps {
  readonly serviceAccount: string;
  /** Of everything the pods read at their start: another hash, other pods. */
  readonly hash: string;
}

/** The pods of a function. Sidecars are containers that start before the function and end after it. */
export function renderPodTemplate(props: PodTemplateProps): object {
  const { workload, serviceAccount, hash } = props;
  const { container } = workload;
  const sidecars = container.sidecars.map((sidecar) => ({
    ...sidecar,
    restartPolicy: 'Always',
    securityContext: { ...(sidecar.securityContext as object | undefined), ...containerSecurity },
  }));
  return {
    metadata: {
      labels: { ...flowLabels(workload.spec), ...functionLabels(workload) },
      annotations: { 'kflow.io/spec-hash': hash },
    },
    spec: {
      restartPolicy: workload.kind === 'job' ? 'Never' : 'Always',
      serviceAccountName: serviceAccount,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: shutdownOf(workload) + marginSeconds,
      securityContext: podSecurity,
      ...present('nodeSelector', container.nodeSelector),
      ...present('tolerations', container.tolerations),
      // for one replica too: another template would be other pods when it is scaled
      topologySpreadConstraints: [spread(workload)],
      ...present('initContainers', sidecars),
      containers: [{ ...renderContainer(props), securityContext: containerSecurity }],
      volumes: volumesOf(workload),
    },
  };
}

function shutdownOf({ container }: PlannedWorkload): number {
  const given = Number(container.env.find(({ name }) => name === 'KFLOW_SHUTDOWN_TIMEOUT')?.value);
  return given > 0 ? given : timing.shutdownSeconds;
}

/** Replicas on different nodes, where there are some. */
function spread(workload: PlannedWorkload): object {
  return {
    maxSkew: 1,
    topologyKey: 'kubernetes.io/hostname',
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels: podSelector(workload) },
  };
}

/** A volume of the user's takes the place of ours of the same name. */
function volumesOf({ name, container }: PlannedWorkload): readonly object[] {
  const own = [
    { name: 'spec', configMap: { name } },
    { name: 'tmp', emptyDir: {} },
  ];
  const given = new Set(container.volumes.map((volume) => volume.name));
  return [...own.filter((volume) => !given.has(volume.name)), ...container.volumes];
}

function present<T extends object>(key: string, value: T): { readonly [key: string]: T } {
  return Object.keys(value).length === 0 ? {} : { [key]: value };
}
