import { controllerNodeOptions } from '../plan/controller-requirements';
import { contentHash } from './content-hash';
import { controllerFolders } from './controller-config';
import type { ControllerInstallProps } from './controller-install-props';
import type { Labels } from './metadata';
import { containerSecurity, podSecurity } from './pod-security';
import { nameOf } from './require-resources';

export interface ControllerPodProps extends Pick<ControllerInstallProps, 'access' | 'image' | 'settingsSecret'> {
  readonly name: string;
  readonly labels: Labels;
  readonly selector: Labels;
  /** Text of its settings: another text, other pods. */
  readonly config: string;
}

/** Ten seconds for what it does to be taken over by another one, and a margin. */
const graceSeconds = 15;

/** The pods of a controller. */
export function renderControllerPod(props: ControllerPodProps): object {
  const { name, labels, selector, config } = props;
  return {
    metadata: { labels, annotations: { 'kflow.io/config-hash': contentHash(config) } },
    spec: {
      serviceAccountName: name,
      automountServiceAccountToken: true,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: graceSeconds,
      securityContext: podSecurity,
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: 'kubernetes.io/hostname',
          whenUnsatisfiable: 'ScheduleAnyway',
          labelSelector: { matchLabels: selector },
        },
      ],
      containers: [container(props)],
      volumes: volumes(props),
    },
  };
}

function container(props: ControllerPodProps): object {
  const { image = 'kflow:latest', settingsSecret } = props;
  return {
    name: 'controller',
    image,
    command: ['kflow', 'controller', '--config', `${controllerFolders.config}/controller.yaml`],
    env: [{ name: 'NODE_OPTIONS', value: controllerNodeOptions }],
    ...(settingsSecret === undefined ? {} : { envFrom: [{ secretRef: { name: nameOf(settingsSecret) } }] }),
    ports: [{ name: 'http', containerPort: 9080, protocol: 'TCP' }],
    resources: { requests: { cpu: '200m', memory: '256Mi' }, limits: { memory: '512Mi' } },
    startupProbe: probe('/healthz', { periodSeconds: 2, failureThreshold: 60 }),
    livenessProbe: probe('/healthz', { periodSeconds: 10, failureThreshold: 6 }),
    readinessProbe: probe('/readyz', { periodSeconds: 5, failureThreshold: 3 }),
    securityContext: containerSecurity,
    volumeMounts: [
      { name: 'config', mountPath: controllerFolders.config, readOnly: true },
      ...(hasTokens(props) ? [{ name: 'access', mountPath: controllerFolders.access, readOnly: true }] : []),
      ...(settingsSecret === undefined
        ? []
        : [{ name: 'secrets', mountPath: controllerFolders.secrets, readOnly: true }]),
      { name: 'tmp', mountPath: '/tmp' },
    ],
  };
}

function volumes({ name, access, settingsSecret }: ControllerPodProps): readonly object[] {
  return [
    { name: 'config', configMap: { name } },
    ...(access.kind === 'tokens' ? [{ name: 'access', secret: { secretName: nameOf(access.secret) } }] : []),
    ...(settingsSecret === undefined ? [] : [{ name: 'secrets', secret: { secretName: nameOf(settingsSecret) } }]),
    { name: 'tmp', emptyDir: {} },
  ];
}

function hasTokens({ access }: ControllerPodProps): boolean {
  return access.kind === 'tokens';
}

function probe(path: string, times: { readonly periodSeconds: number; readonly failureThreshold: number }): object {
  return { httpGet: { path, port: 'http' }, timeoutSeconds: 5, ...times };
}
