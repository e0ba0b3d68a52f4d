/** Longest label in characters. The patterns below do not limit the length. */
export const maxLabelLength = 63;

/** A label of RFC 1123, which Kubernetes requires as the name of a namespace, container or volume. */
export const dnsLabel = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

/** A label without two dashes in a row, because `--` separates a job from its function in names. */
export const singleDashLabel = /^[a-z0-9]+(-[a-z0-9]+)*$/;

export function isDnsLabel(name: string): boolean {
  return name.length <= maxLabelLength && dnsLabel.test(name);
}

/** Labels separated by dots, which Kubernetes requires as the name of most objects. */
export function isDnsSubdomain(name: string): boolean {
  return name.length <= 253 && name.split('.').every((label) => dnsLabel.test(label));
}

/** Whether Kubernetes accepts a text as the name of a label or annotation: `name` or `example.org/name`. */
export function isLabelName(name: string): boolean {
  const [last = '', prefix, ...others] = name.split('/').reverse();
  const isName = /^[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/.test(last);
  return isName && (prefix === undefined || isDnsSubdomain(prefix)) && others.length === 0;
}

export function isLabelValue(value: string): boolean {
  return /^([A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?)?$/.test(value);
}

/** The text as a label: `etl_Jobs.v2` becomes `etl-jobs-v2`. Empty if the text has no letter or digit. */
export function toDnsLabel(text: string, maxLength = maxLabelLength): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, maxLength)
    .replace(/^-+|-+$/g, '');
}
