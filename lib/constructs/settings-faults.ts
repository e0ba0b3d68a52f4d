import { isDnsLabel, isDnsSubdomain, maxLabelLength } from '../topology/document/dns-label';
import { carriesSecret, quote } from '../topology/problem/show-value';

/** A registry, a name in lower-case letters, a version and a digest. */
const reference = /^(([\w.-]+|\[[\da-fA-F:]+\])(:\d+)?\/)?[a-z\d][a-z\d._/-]*(:\w[\w.-]{0,127})?(@\w+:[\da-fA-F]+)?$/;

/** Names of objects by the option that has them. */
interface Names {
  readonly [option: string]: string | readonly string[] | undefined;
}

const each = (names: Names) =>
  Object.entries(names).flatMap(([option, given = []]) =>
    (typeof given === 'string' ? [given] : given).map((name) => ({ option, name })),
  );

/** What is wrong with the numbers and words of a flow's pods. */
export function podFaults({ imagePullPolicy, ttlSecondsAfterFinished: ttl }: PodWords): readonly string[] {
  const policies = ['Always', 'IfNotPresent', 'Never'];
  const isTime = ttl === undefined || (Number.isInteger(ttl) && ttl >= 0 && ttl < 2 ** 31);
  return [
    ...(imagePullPolicy === undefined || policies.includes(imagePullPolicy)
      ? []
      : [`imagePullPolicy must be one of ${policies.join(', ')}; got ${quote(imagePullPolicy)}`]),
    ...(isTime ? [] : [`ttlSecondsAfterFinished must be a whole number of seconds, 0 to 2147483647; got ${ttl}`]),
  ];
}

interface PodWords {
  readonly imagePullPolicy?: string | undefined;
  readonly ttlSecondsAfterFinished?: number | undefined;
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
  if (carriesSecret(image) || /^[^/@]*:[^/@]*@(?!\w+:[0-9a-f]+$)/i.test(image)) {
    return ['image contains a user and password, which would be visible in the manifests; remove them'];
  }
  return reference.test(image) ? [] : [`image must be as registry.example.org/name:version, got ${quote(image)}`];
}
