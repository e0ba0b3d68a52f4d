import { ConfigError } from '../../errors';
import { taskQueueName } from '../../plan/controller-requirements';
import { natsFaults } from '../../plan/nats-access';
import { isAddress, isHostAndPort } from '../../topology/check/check-addresses';
import { carriesSecret, quote } from '../../topology/problem/show-value';
import { nameOf } from '../require-resources';
import { imageFaults, nameFaults, namespaceFaults } from '../settings-faults';
import type { CompleteInstallProps, ControllerAccess } from './controller-install-props';

/**
 * Throws ConfigError with all faults at once: what Kubernetes or the controller would refuse, what would open the
 * NetworkPolicy, rights that contradict each other or are missing, and passwords, which are never shown.
 */
export function assertInstall(props: CompleteInstallProps): void {
  const { access, temporalAddress, natsUrl, egress } = props;
  const faults = [
    ...natsFaults({ urls: { natsUrl }, domains: { natsDomain: props.natsDomain } }),
    ...addressFaults({ temporalAddress }, isHostAndPort),
    ...addressFaults({ egress }, hasPort),
    ...(access.kind === 'tokens' ? [] : oidcFaults(access)),
    ...objectFaults(props),
    ...rightFaults(props),
    ...(taskQueueName.test(props.taskQueue)
      ? []
      : [`taskQueue must be letters, digits, dots, hyphens and underscores; got ${quote(props.taskQueue)}`]),
    ...(Number.isInteger(props.replicas) && props.replicas >= 1
      ? []
      : [`replicas must be a whole number above 0; got ${props.replicas}`]),
  ];
  if (faults.length === 0) return;
  const issuer = access.kind === 'oidc' ? [access.issuer] : [];
  const isExposed = [natsUrl, temporalAddress, ...egress, ...issuer].some(exposes);
  throw new ConfigError(isExposed ? 'secret-exposed' : 'config-invalid', faults.join('\n'));
}

/** What Kubernetes would refuse as names and images. */
function objectFaults(props: CompleteInstallProps): readonly string[] {
  const { access, natsSecrets, imagePullSecrets, secretNamespaces } = props;
  const own = natsSecrets.map(nameOf);
  const named = { settingsSecret: props.settingsSecret, tlsSecret: props.tlsSecret, keySecret: props.keySecret };
  const single = Object.entries(named).map(([option, one]) => [option, one && nameOf(one)]);
  return [
    ...namespaceFaults({
      namespace: props.namespace,
      watchNamespaces: props.watchNamespaces,
      secretNamespaces: secretNamespaces === 'all' ? undefined : secretNamespaces,
    }),
    ...nameFaults({
      natsSecrets: own,
      podNatsSecrets: props.podNatsSecrets.filter((name) => !own.includes(name)),
      imagePullSecrets: imagePullSecrets.map(nameOf),
      priorityClassName: props.priorityClassName,
      'access.secret': access.kind === 'tokens' ? nameOf(access.secret) : undefined,
      ...Object.fromEntries(single),
    }),
    ...imageFaults(props.image),
  ];
}

function rightFaults({ watchNamespaces, secretNamespaces, natsAccounts }: CompleteInstallProps): readonly string[] {
  const faults: string[] = [];
  if (watchNamespaces?.length === 0) faults.push('watchNamespaces must name a namespace; leave it out for all');
  if (watchNamespaces !== undefined && secretNamespaces !== undefined) {
    faults.push('secretNamespaces has no effect: watchNamespaces covers the Secrets of its namespaces; leave one out');
  }
  const mayManage = watchNamespaces !== undefined || (secretNamespaces?.length ?? 0) > 0;
  if (natsAccounts !== undefined && !mayManage) {
    faults.push(
      `natsAccounts "${natsAccounts}": the controller makes a Secret with the login of each flow; add secretNamespaces, secretNamespaces "all" or watchNamespaces`,
    );
  }
  return faults;
}

function oidcFaults({ issuer, audience }: Extract<ControllerAccess, { kind: 'oidc' }>): readonly string[] {
  const faults: string[] = [];
  if (exposes(issuer)) faults.push('access.issuer contains a user and password; remove them');
  else if (!/^https?:\/\/[^/]+/.test(issuer)) faults.push(`access.issuer must be a URL, got ${quote(issuer)}`);
  if (audience.trim() === '') {
    faults.push('access.audience must not be empty, so that tokens for other services are rejected');
  }
  return faults;
}

function addressFaults(
  addresses: { readonly [option: string]: string | readonly string[] },
  isValid: (address: string) => boolean,
): readonly string[] {
  return Object.entries(addresses).flatMap(([option, given]) =>
    [given].flat().flatMap((address) => {
      if (exposes(address)) return [`${option} contains a user and password; remove them`];
      return isValid(address) ? [] : [`${option} must be host:port, got ${quote(address)}`];
    }),
  );
}

/** Whether an address has a login before its host, or a password anywhere. */
function exposes(address: string): boolean {
  return carriesSecret(address) || /^(\w+:\/\/)?[^/]*@/.test(address);
}

function hasPort(address: string): boolean {
  return isHostAndPort(address) || (isAddress(address) && /^https?:\/\/[^/]+$/.test(address));
}
