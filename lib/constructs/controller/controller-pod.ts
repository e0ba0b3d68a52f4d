import { controllerNodeOptions } from '../../plan/controller-requirements';
import type { Labels } from '../metadata';
import { contentHash } from '../metadata';
import { type NatsLogin, natsFolder, renderNatsLogin } from '../pods/nats-login';
import { containerSecurity, httpProbe, podSecurity, spreadOverNodes } from '../pods/pod-parts';
import { nameOf } from '../require-resources';
import type { CompleteInstallProps } from './controller-install-props';

/** Where the pod's ConfigMap and Secrets are mounted. */
const folders = {
  config: '/etc/kflow/config',
  access: '/etc/kflow/access',
  secrets: '/etc/kflow/secrets',
  tls: '/etc/kflow/tls',
} as const;

/** The settings file of a controller in a cluster. It contains no secrets. */
export function controllerConfig(props: CompleteInstallProps): object {
  const { access, image, watchNamespaces, keySecret, tlsSecret, imagePullSecrets, podNatsSecrets } = props;
  const tls = { certFile: `${folders.tls}/tls.crt`, keyFile: `${folders.tls}/tls.key` };
  return {
    listen: { host: '0.0.0.0', port: 9080, ...(tlsSecret === undefined ? {} : { tls }) },
    nats: {
      url: props.natsUrl,
      ...(props.natsSecrets.length === 0 ? {} : { credentials: natsFolder }),
      ...(props.natsDomain === undefined ? {} : { domain: props.natsDomain }),
      ...(props.natsAccounts === undefined ? {} : { accounts: { kind: props.natsAccounts } }),
    },
    temporal: { address: props.temporalAddress, taskQueue: props.taskQueue },
    ...(keySecret === undefined ? {} : { installation: { secret: nameOf(keySecret) } }),
    cluster: { kind: 'kubernetes', ...(watchNamespaces === undefined ? {} : { namespaces: watchNamespaces }) },
    pods: {
      image,
      ...(imagePullSecrets.length === 0 ? {} : { imagePullSecrets: imagePullSecrets.map(nameOf) }),
      ...(podNatsSecrets.length === 0 ? {} : { natsSecrets: podNatsSecrets }),
    },
    access: access.kind === 'tokens' ? { kind: 'tokens', file: `${folders.access}/tokens.yaml` } : access,
  };
}

type Mounted = 'access' | 'image' | 'imagePullSecrets' | 'settingsSecret' | 'natsUrl' | 'natsSecrets' | 'tlsSecret';

export interface ControllerPodProps extends Pick<CompleteInstallProps, Mounted> {
  readonly name: string;
  readonly labels: Labels;
  readonly selector: Labels;
  /** Text of the settings file; the pods restart when it changes. */
  readonly config: string;
  readonly priorityClassName: string | undefined;
}

/** Five seconds until no client is sent here any more, ten to hand over to another replica, and a margin. */
const graceSeconds = 20;

/** The pods of a controller. */
export function renderControllerPod(props: ControllerPodProps): object {
  const { name, labels, selector, config, priorityClassName, imagePullSecrets } = props;
  return {
    metadata: { labels, annotations: { 'kflow.io/config-hash': contentHash(config) } },
    spec: {
      serviceAccountName: name,
      automountServiceAccountToken: true,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: graceSeconds,
      ...(priorityClassName === undefined ? {} : { priorityClassName }),
      ...(imagePullSecrets.length === 0
        ? {}
        : { imagePullSecrets: imagePullSecrets.map((each) => ({ name: nameOf(each) })) }),
      securityContext: podSecurity,
      topologySpreadConstraints: [spreadOverNodes(selector)],
      containers: [container(props)],
      volumes: volumes(props),
    },
  };
}

function container(props: ControllerPodProps): object {
  const { image, settingsSecret, tlsSecret } = props;
  const scheme = tlsSecret === undefined ? undefined : 'HTTPS';
  return {
    name: 'controller',
    image,
    command: ['kflow', 'controller', '--config', `${folders.config}/controller.yaml`],
    env: [{ name: 'NODE_OPTIONS', value: controllerNodeOptions }],
    ...(settingsSecret === undefined ? {} : { envFrom: [{ secretRef: { name: nameOf(settingsSecret) } }] }),
    ports: [{ name: 'http', containerPort: 9080, protocol: 'TCP' }],
    resources: { requests: { cpu: '200m', memory: '256Mi' }, limits: { memory: '512Mi' } },
    startupProbe: httpProbe('/healthz', { periodSeconds: 2, failureThreshold: 60 }, scheme),
    livenessProbe: httpProbe('/healthz', { periodSeconds: 10, failureThreshold: 6 }, scheme),
    readinessProbe: httpProbe('/readyz', { periodSeconds: 5, failureThreshold: 3 }, scheme),
    securityContext: containerSecurity,
    volumeMounts: [
      { name: 'config', mountPath: folders.config, readOnly: true },
      ...(hasTokens(props) ? [{ name: 'access', mountPath: folders.access, readOnly: true }] : []),
      ...(settingsSecret === undefined ? [] : [{ name: 'secrets', mountPath: folders.secrets, readOnly: true }]),
      ...(tlsSecret === undefined ? [] : [{ name: 'tls', mountPath: folders.tls, readOnly: true }]),
      ...natsLogin(props).mounts,
      { name: 'tmp', mountPath: '/tmp' },
    ],
  };
}

function volumes(props: ControllerPodProps): readonly object[] {
  const { name, access, settingsSecret, tlsSecret } = props;
  return [
    { name: 'config', configMap: { name } },
    ...(access.kind === 'tokens' ? [{ name: 'access', secret: { secretName: nameOf(access.secret) } }] : []),
    ...(settingsSecret === undefined ? [] : [{ name: 'secrets', secret: { secretName: nameOf(settingsSecret) } }]),
    ...(tlsSecret === undefined ? [] : [{ name: 'tls', secret: { secretName: nameOf(tlsSecret) } }]),
    ...natsLogin(props).volumes,
    { name: 'tmp', emptyDir: {} },
  ];
}

function natsLogin({ natsUrl, natsSecrets }: ControllerPodProps): NatsLogin {
  return renderNatsLogin({ natsUrl, natsSecrets: natsSecrets.map(nameOf) });
}

function hasTokens({ access }: ControllerPodProps): boolean {
  return access.kind === 'tokens';
}
