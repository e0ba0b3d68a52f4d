import type { ResourceValue } from '../define/cdk8s-values';
import { natsFaults, type PodNats } from '../plan/nats-access';
import { isDnsLabel, isDnsSubdomain, maxLabelLength } from '../topology/document/dns-label';
import { imageFault, imagePullPolicies } from '../topology/document/image';
import { quote } from '../topology/problem/show-value';
import { nameOf } from './require-resources';

/** Names of objects by the option that has them. */
interface Names {
  readonly [option: string]: string | readonly string[] | undefined;
}

const each = (names: Names) =>
  Object.entries(names).flatMap(([option, given = []]) =>
    (typeof given === 'string' ? [given] : given).map((name) => ({ option, name })),
  );

/** Settings of a flow's manifests, with names in place of objects. */
interface FlowSettings extends Pick<PodNats, 'natsUrl' | 'natsDomain'> {
  readonly image: string;
  readonly natsSecrets: readonly string[];
  readonly imagePullSecrets: readonly string[];
  readonly nackAccount?: string | undefined;
  readonly serviceAccount?: string | ResourceValue | undefined;
  readonly imagePullPolicy?: string | undefined;
  readonly ttlSecondsAfterFinished?: number | undefined;
}

/** What Kubernetes would refuse of the settings of a flow's manifests, and passwords in them. */
export function flowFaults(settings: FlowSettings): readonly string[] {
  const { image, natsSecrets, imagePullSecrets, nackAccount, serviceAccount } = settings;
  const { imagePullPolicy, ttlSecondsAfterFinished: ttl } = settings;
  const policies: readonly string[] = imagePullPolicies;
  const isTime = ttl === undefined || (Number.isInteger(ttl) && ttl >= 0 && ttl < 2 ** 31);
  return [
    ...imageFaults(image),
    ...(imagePullPolicy === undefined || policies.includes(imagePullPolicy)
      ? []
      : [`imagePullPolicy must be one of ${policies.join(', ')}; got ${quote(imagePullPolicy)}`]),
    ...(isTime ? [] : [`ttlSecondsAfterFinished must be a whole number of seconds, 0 to 2147483647; got ${ttl}`]),
    ...nameFaults({
      natsSecrets,
      imagePullSecrets,
      nackAccount,
      serviceAccount: serviceAccount && nameOf(serviceAccount),
    }),
    ...natsFaults({ urls: { natsUrl: settings.natsUrl }, domains: { natsDomain: settings.natsDomain } }),
  ];
}

/** What Kubernetes would refuse as the name of an object. */
export function nameFaults(names: Names): readonly string[] {
  const rule = 'must be the name of an object: lower-case letters, digits, dashes and dots';
  return each(names)
    .filter(({ name }) => !isDnsSubdomain(name))
    .map(({ option, name }) => `${option} ${rule}; got ${quote(name)}`);
}

/** What Kubernetes would refuse as the name of a namespace. */
export function namespaceFaults(names: Names): readonly string[] {
  const rule = `must be at most ${maxLabelLength} lower-case letters, digits and dashes, with a letter or digit at both ends`;
  return each(names)
    .filter(({ name }) => !isDnsLabel(name))
    .map(({ option, name }) => `${option} ${rule}; got ${quote(name)}`);
}

/** What no container runtime takes as an image, or what would show a password. */
export function imageFaults(image: string): readonly string[] {
  const fault = imageFault(image);
  return fault === undefined ? [] : [`image ${fault}`];
}
