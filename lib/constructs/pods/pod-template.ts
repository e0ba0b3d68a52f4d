import type { PlannedWorkload } from '../../plan/flow-plan';
import { timing } from '../../plan/replica-lifecycle';
import { configMapName, flowLabels, functionLabels, podSelector } from '../metadata';
import { type FunctionContainerProps, renderContainer } from './function-container';
import { renderNatsLogin } from './nats-login';
import { containerSecurity } from './pod-parts';
import { renderPodSettings } from './pod-settings';

export interface PodTemplateProps extends FunctionContainerProps {
  readonly serviceAccount: string;
  /** Hash of everything that the pods read at their start; the pods restart when the hash changes. */
  readonly hash: string;
}

/** The pods of a function. Sidecars are init containers with `restartPolicy: Always`: they run as long as the function. */
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
      labels: { ...container.podLabels, ...flowLabels(workload.spec), ...functionLabels(workload) },
      annotations: { ...container.podAnnotations, 'kflow.io/spec-hash': hash },
    },
    spec: {
      restartPolicy: workload.kind === 'job' ? 'Never' : 'Always',
      ...renderPodSettings(container, {
        serviceAccount,
        selector: podSelector(workload),
        defaults: props.pods,
        grace: timing.graceSeconds(shutdownOf(workload)),
      }),
      ...(sidecars.length === 0 ? {} : { initContainers: sidecars }),
      containers: [{ ...renderContainer(props), securityContext: containerSecurity }],
      volumes: volumesOf(workload, renderNatsLogin(props).volumes),
    },
  };
}

function shutdownOf({ container }: PlannedWorkload): number {
  const given = Number(container.env.find(({ name }) => name === 'KFLOW_SHUTDOWN_TIMEOUT')?.value);
  return given > 0 ? given : timing.shutdownSeconds;
}

/** A volume of the document replaces ours of the same name. */
function volumesOf(workload: PlannedWorkload, nats: readonly object[]): readonly object[] {
  const { container } = workload;
  const own: readonly { readonly name?: string }[] = [
    { name: 'spec', configMap: { name: configMapName(workload) } },
    ...nats,
    { name: 'tmp', emptyDir: {} },
  ];
  const given = new Set<string | undefined>(container.volumes.map((volume) => volume.name));
  return [...own.filter((volume) => !given.has(volume.name)), ...container.volumes];
}
