import type { PlannedWorkload } from '../../plan/flow-plan';
import type { PodNats } from '../../plan/nats-access';
import type { EnvVariable } from '../../topology/document/container-settings';
import { functionContainer, parseQuantity } from '../../topology/document/container-settings';
import { type NatsLogin, renderNatsLogin } from './nats-login';
import { httpProbe, secretVariables } from './pod-parts';
import type { PodDefaults } from './pod-settings';

export interface FunctionContainerProps extends PodNats {
  readonly workload: PlannedWorkload;
  /** Image of functions that name none: the runtime. */
  readonly image: string;
  /** A controller or `kflow run` watches the flow, and reports what its replicas gave up on. */
  readonly isWatched?: boolean;
  readonly pods?: PodDefaults;
}

/** Where the ConfigMap with the function's spec is mounted. */
const specFolder = '/etc/kflow';

const defaultResources = { requests: { cpu: '100m', memory: '256Mi' }, limits: { memory: '1Gi' } };

/** Of functions that download objects to the disk of the node. */
const downloadResources = { requests: { 'ephemeral-storage': '1Gi' }, limits: { 'ephemeral-storage': '10Gi' } };

/** The runtime does not start with less. */
const leastHeapMebibytes = 64;

interface Resources {
  readonly requests: { readonly [resource: string]: string };
  readonly limits: { readonly [resource: string]: string };
}

/** The container of a function, without its security context. */
export function renderContainer({ workload, image, isWatched, pods, ...nats }: FunctionContainerProps): object {
  const login = renderNatsLogin(nats);
  const { http, container } = workload;
  const policy = workload.imagePullPolicy ?? pods?.imagePullPolicy;
  return {
    name: functionContainer,
    image: workload.image ?? image,
    ...(policy === undefined ? {} : { imagePullPolicy: policy }),
    ports: [{ name: 'http', containerPort: http.port, protocol: 'TCP' }],
    env: environmentOf(workload, login, isWatched === true),
    ...(container.envFrom.length === 0 ? {} : { envFrom: container.envFrom }),
    resources: resourcesOf(workload),
    startupProbe: httpProbe('/livez', { periodSeconds: 2, failureThreshold: 60 }),
    livenessProbe: httpProbe('/livez', { periodSeconds: 10, failureThreshold: livenessFailures(workload) }),
    readinessProbe: httpProbe('/readyz', { periodSeconds: 5, failureThreshold: 3 }),
    // the status of a crashed container shows its last lines
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: mountsOf(workload, login),
  };
}

/** Our variables and those of the document, whose checks refuse our names. */
function environmentOf(workload: PlannedWorkload, login: NatsLogin, isWatched: boolean): readonly EnvVariable[] {
  const { container, http, secretEnv } = workload;
  const own: readonly EnvVariable[] = [
    { name: 'KFLOW_SPEC', value: `${specFolder}/spec.json` },
    ...login.variables,
    { name: 'KFLOW_HTTP_PORT', value: String(http.port) },
    ...(http.metrics ? [{ name: 'KFLOW_METRICS', value: 'true' }] : []),
    ...(isWatched ? [{ name: 'KFLOW_WATCHED', value: 'true' }] : []),
    ...replicaNumber(workload),
    ...secretVariables(secretEnv),
    ...nodeOptions(workload),
  ];
  return [...own, ...container.env];
}

/**
 * Half of the memory limit as the heap of each Node process of the container: the runtime, and the process of TypeScript code. Node
 * does not see the limit on every node, and a process at its own limit fails the record that it runs, while the kernel would kill any.
 */
function nodeOptions(workload: PlannedWorkload): readonly EnvVariable[] {
  const name = 'NODE_OPTIONS';
  const { memory } = resourcesOf(workload).limits;
  if (memory === undefined || workload.container.env.some((variable) => variable.name === name)) return [];
  const mebibytes = Math.max(leastHeapMebibytes, Math.floor(parseQuantity(memory) / 2 ** 20 / 2));
  return [{ name, value: `--max-old-space-size=${mebibytes}` }];
}

/** The pod's index in a StatefulSet; Kubernetes sets the variable of an indexed Job itself. */
function replicaNumber({ kind }: PlannedWorkload): readonly EnvVariable[] {
  if (kind !== 'statefulset') return [];
  const fieldPath = "metadata.labels['apps.kubernetes.io/pod-index']";
  return [{ name: 'KFLOW_REPLICA', valueFrom: { fieldRef: { fieldPath } } }];
}

/** The document's resources over the defaults. A default request is lowered, and a default limit raised, to agree with them. */
function resourcesOf(workload: PlannedWorkload): Resources {
  const { requests, limits } = workload.container.resources;
  const defaults = defaultsOf(workload);
  const isBelow = (one: string, other: string | undefined) =>
    other !== undefined && parseQuantity(one) < parseQuantity(other);
  const requested = Object.entries(defaults.requests).map(([resource, quantity]) => {
    const limit = limits[resource];
    return [resource, limit !== undefined && isBelow(limit, quantity) ? limit : quantity];
  });
  const limited = Object.entries(defaults.limits).map(([resource, quantity]) => {
    const request = requests[resource];
    return [resource, request !== undefined && isBelow(quantity, request) ? request : quantity];
  });
  return {
    requests: { ...Object.fromEntries(requested), ...requests },
    limits: { ...Object.fromEntries(limited), ...limits },
  };
}

function defaultsOf(workload: PlannedWorkload): typeof defaultResources {
  return downloadsToNode(workload)
    ? {
        requests: { ...defaultResources.requests, ...downloadResources.requests },
        limits: { ...defaultResources.limits, ...downloadResources.limits },
      }
    : defaultResources;
}

/** Whether automatic downloads fill the disk of the node: the document mounts nothing of its own where they go. */
function downloadsToNode({ spec, container }: PlannedWorkload): boolean {
  if (spec.download === undefined) return false;
  const folder = `${spec.download.directory ?? '/tmp'}/`;
  const isMounted = container.volumeMounts.some(({ mountPath }) => folder.startsWith(`${String(mountPath)}/`));
  return !isMounted && !container.volumes.some(({ name }) => name === 'tmp');
}

/** A synchronous function answers no probe while it processes a record, for up to `max.poll.interval.ms`. */
function livenessFailures({ spec }: PlannedWorkload): number {
  return Math.max(6, Math.ceil(spec.maxPollIntervalMs / 10_000) + 1);
}

/** A mount of the document replaces ours at the same path. */
function mountsOf({ container }: PlannedWorkload, login: NatsLogin): readonly object[] {
  const own = [
    { name: 'spec', mountPath: specFolder, readOnly: true },
    ...login.mounts,
    { name: 'tmp', mountPath: '/tmp' },
  ];
  const given = new Set(container.volumeMounts.map(({ mountPath }) => mountPath));
  return [...own.filter(({ mountPath }) => !given.has(mountPath)), ...container.volumeMounts];
}
