import { isPlainMap, type PlainMap } from '../../plain-map';

/** Parts of a function's container and pod that the document sets. Nested values are passed on as written. */
export interface ContainerSettings {
  readonly env: readonly EnvVariable[];
  /** Quantities by resource, which override the defaults. */
  readonly resources: { readonly requests: Quantities; readonly limits: Quantities };
  readonly volumes: readonly NamedPart[];
  readonly volumeMounts: readonly NamedPart[];
  readonly sidecars: readonly NamedPart[];
  readonly nodeSelector: { readonly [label: string]: string };
  readonly tolerations: readonly PlainMap[];
  /** `host:port` of what the code connects to, besides the topology's own addresses. */
  readonly egress: readonly string[];
}

export interface EnvVariable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: unknown;
}

interface Quantities {
  readonly [resource: string]: string;
}

interface NamedPart extends PlainMap {
  readonly name: string;
}

/** Reads a valid `meta.container`. */
export function containerSettings(container: unknown): ContainerSettings {
  const given = isPlainMap(container) ? container : {};
  const list = <T>(key: string): readonly T[] => (Array.isArray(given[key]) ? (given[key] as T[]) : []);
  const resources = isPlainMap(given.resources) ? given.resources : {};
  return {
    env: list<EnvVariable>('env').map(({ name, value, valueFrom }) => ({
      name,
      ...(value === undefined ? {} : { value }),
      ...(valueFrom === undefined ? {} : { valueFrom }),
    })),
    resources: {
      requests: quantitiesOf(resources.requests),
      limits: { ...quantitiesOf(resources.limits), ...devicesOf(given.gpu) },
    },
    volumes: list('volumes'),
    volumeMounts: list('volumeMounts'),
    sidecars: list('sidecars'),
    nodeSelector: (given.nodeSelector ?? {}) as ContainerSettings['nodeSelector'],
    tolerations: list('tolerations'),
    egress: list('egress'),
  };
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
