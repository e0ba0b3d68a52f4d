import { isAddress } from '../../topology/check/check-addresses';
import { carriesCredentials, quote } from '../../topology/problem/show-value';
import { nameOf } from '../require-resources';
import { imageFaults, nameFaults, namespaceFaults } from '../settings-faults';
import type { ControllerAccess, ControllerInstallProps } from './controller-install-props';

/** What Kubernetes would refuse of a controller's manifests, what would open its NetworkPolicy, and passwords in it. */
export function installFaults(props: ControllerInstallProps): readonly string[] {
  const { access, natsSecrets = [], imagePullSecrets = [], secretNamespaces, taskQueue } = props;
  const named = { settingsSecret: props.settingsSecret, tlsSecret: props.tlsSecret, keySecret: props.keySecret };
  const single = Object.entries(named).map(([option, one]) => [option, one === undefined ? undefined : nameOf(one)]);
  return [
    ...namespaceFaults({
      namespace: props.namespace,
      watchNamespaces: props.watchNamespaces,
      secretNamespaces: secretNamespaces === 'all' ? undefined : secretNamespaces,
    }),
    ...nameFaults({
      natsSecrets: natsSecrets.map(nameOf),
      podNatsSecrets: props.podNatsSecrets,
      imagePullSecrets: imagePullSecrets.map(nameOf),
      priorityClassName: props.priorityClassName,
      ...Object.fromEntries(single),
    }),
    ...imageFaults(props.image ?? 'kflow:latest'),
    ...(taskQueue?.trim() === '' ? ['taskQueue must not be empty'] : []),
    ...accessFaults(access),
    ...(props.egress ?? [])
      .filter((address) => !hasPort(address))
      .map((address) => `egress must be host:port, got ${quote(address)}`),
  ];
}

function accessFaults(access: ControllerAccess): readonly string[] {
  if (access.kind === 'tokens') return nameFaults({ 'access.secret': nameOf(access.secret) });
  if (carriesCredentials(access.issuer)) return ['access.issuer contains a user and password; remove them'];
  return /^https?:\/\/[^/]+/.test(access.issuer) ? [] : [`access.issuer must be a URL, got ${quote(access.issuer)}`];
}

function hasPort(address: string): boolean {
  return isAddress(address) && /^(https?:\/\/[^/]+|[^/]+:\d+)$/.test(address);
}
