import path from 'node:path';
import { isPlainMap, type PlainMap } from '../../plain-map';

/** Name of the container that runs the function; the others of its pod are sidecars of the user. */
export const functionContainer = 'function';

/** Parts of a function's container and pod that the document sets. Nested values are passed on as written. */
export interface ContainerSettings {
  readonly env: readonly EnvVariable[];
  /** ConfigMaps and Secrets whose keys are variables, in Kubernetes' format. */
  readonly envFrom: readonly PlainMap[];
  /** Quantities by resource, which override the defaults. */
  readonly resources: { readonly requests: Quantities; readonly limits: Quantities };
  readonly volumes: readonly NamedPart[];
  readonly volumeMounts: readonly NamedPart[];
  readonly sidecars: readonly NamedPart[];
  /** `host:port` of what the code connects to, besides the topology's own addresses. */
  readonly egress: readonly string[];
  /** Names of Secrets. */
  readonly imagePullSecrets: readonly string[];
  readonly serviceAccountName?: string;
  readonly automountServiceAccountToken?: boolean;
  /** A uid, or `cluster` if the cluster assigns one. */
  readonly runAsUser?: number | 'cluster';
  readonly priorityClassName?: string;
  readonly runtimeClassName?: string;
  readonly nodeSelector: Texts;
  readonly affinity: PlainMap;
  readonly tolerations: readonly PlainMap[];
  readonly topologySpreadConstraints?: readonly PlainMap[];
  readonly podLabels: Texts;
  readonly podAnnotations: Texts;
}

export interface EnvVariable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: unknown;
}

interface Quantities {
  readonly [resource: string]: string;
}

interface Texts {
  readonly [name: string]: string;
}

interface NamedPart extends PlainMap {
  readonly name: string;
}

/** Reads a valid `container`. */
export function containerSettings(container: unknown): ContainerSettings {
  const given = isPlainMap(container) ? container : {};
  const list = <T>(key: string): readonly T[] => (Array.isArray(given[key]) ? (given[key] as T[]) : []);
  const map = <T>(key: string): T => (isPlainMap(given[key]) ? given[key] : {}) as T;
  const single = (key: string) => (given[key] === undefined ? {} : { [key]: given[key] });
  return {
    env: list<EnvVariable>('env').map(({ name, value, valueFrom }) => ({
      name,
      ...(value === undefined ? {} : { value }),
      ...(valueFrom === undefined ? {} : { valueFrom }),
    })),
    envFrom: list('envFrom'),
    resources: containerResources(given),
    volumes: list('volumes'),
    volumeMounts: list<NamedPart>('volumeMounts').map((mount) => ({
      ...mount,
      mountPath: mountFolder(String(mount.mountPath)),
    })),
    sidecars: list('sidecars'),
    egress: list('egress'),
    imagePullSecrets: list('imagePullSecrets'),
    ...single('serviceAccountName'),
    ...single('automountServiceAccountToken'),
    ...single('runAsUser'),
    ...single('priorityClassName'),
    ...single('runtimeClassName'),
    nodeSelector: map('nodeSelector'),
    affinity: map('affinity'),
    tolerations: list('tolerations'),
    ...single('topologySpreadConstraints'),
    podLabels: map('podLabels'),
    podAnnotations: map('podAnnotations'),
  };
}

/** Reads the resources of a `container` whose other fields may be invalid. */
export function containerResources({ resources, gpu }: PlainMap): ContainerSettings['resources'] {
  const given = isPlainMap(resources) ? resources : {};
  return {
    requests: quantitiesOf(given.requests),
    limits: { ...quantitiesOf(given.limits), ...devicesOf(gpu) },
  };
}

/** The key that identifies an item of a list. An inner item replaces the outer one with the same key. */
const keyOfList: { readonly [list: string]: string } = {
  env: 'name',
  volumes: 'name',
  volumeMounts: 'mountPath',
  sidecars: 'name',
};

/** Lists that are joined. */
const joined: ReadonlySet<string> = new Set(['envFrom', 'egress', 'imagePullSecrets', 'tolerations']);

/** Maps whose values are replaced as a whole. */
const whole: ReadonlySet<string> = new Set(['gpu']);

/**
 * A function's `container` over that of `globalConfig`. Maps are merged key by key, lists with names name by name; other
 * lists are joined, and single values and `topologySpreadConstraints` replaced.
 */
export function mergeContainers(outer: unknown, inner: unknown): PlainMap {
  const below = isPlainMap(outer) ? outer : {};
  const above = isPlainMap(inner) ? inner : {};
  const merged = Object.entries(above).map(([key, value]) => [key, mergeField(key, below[key], value)]);
  return { ...below, ...Object.fromEntries(merged) };
}

function mergeField(key: string, outer: unknown, inner: unknown): unknown {
  if (isPlainMap(outer) && isPlainMap(inner) && !whole.has(key)) return mergeMaps(outer, inner);
  if (!Array.isArray(outer) || !Array.isArray(inner)) return inner ?? outer;
  if (joined.has(key)) return [...new Map([...outer, ...inner].map((item) => [JSON.stringify(item), item])).values()];
  const name = keyOfList[key];
  if (name === undefined) return inner;
  const nameOf = (item: unknown) => {
    const own = isPlainMap(item) ? item[name] : undefined;
    return name === 'mountPath' && typeof own === 'string' ? mountFolder(own) : own;
  };
  const named = inner.map(nameOf);
  return [...outer.filter((item) => !named.includes(nameOf(item))), ...inner];
}

/** The path of a mount without double slashes, dots and a slash at the end: Kubernetes takes `/tmp/` and `/tmp` for two. */
export function mountFolder(mountPath: string): string {
  return path.posix.normalize(mountPath).replace(/(?<=.)\/$/, '');
}

/** Merges two levels: `resources.limits` is merged resource by resource. */
function mergeMaps(outer: PlainMap, inner: PlainMap): PlainMap {
  const merged = Object.entries(inner).map(([key, value]) => {
    const below = outer[key];
    return [key, isPlainMap(below) && isPlainMap(value) ? { ...below, ...value } : value];
  });
  return { ...outer, ...Object.fromEntries(merged) };
}

function quantitiesOf(given: unknown): Quantities {
  const entries = Object.entries(isPlainMap(given) ? given : {});
  return Object.fromEntries(entries.map(([resource, quantity]) => [resource, String(quantity)]));
}

function devicesOf(gpu: unknown): Quantities {
  if (typeof gpu === 'number') return { 'nvidia.com/gpu': String(gpu) };
  return isPlainMap(gpu) ? { [String(gpu.resource)]: String(gpu.count) } : {};
}

const powers: { readonly [suffix: string]: number } = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  ...Object.fromEntries(['k', 'M', 'G', 'T', 'P', 'E'].map((suffix, index) => [suffix, 1000 ** (index + 1)])),
  ...Object.fromEntries(['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'].map((suffix, index) => [suffix, 1024 ** (index + 1)])),
};

/** A quantity of Kubernetes (`500m`, `1Gi`, `2e3`) as a number. */
export function parseQuantity(text: string): number {
  const [, number = '', suffix = ''] = /^([+-]?[\d.]+(?:[eE][+-]?\d+)?)([a-zA-Z]*)$/.exec(text) ?? [];
  return Number(number) * (powers[suffix] ?? Number.NaN);
}
