import type { PlannedWorkload } from '../plan/flow-plan';
import { type EnvVariable, parseQuantity } from '../topology/document/container-settings';
import { secretVariables } from './secret-variables';

export interface FunctionContainerProps {
  readonly workload: PlannedWorkload;
  /** Image of the runtime, for functions that name none. */
  readonly image: string;
  /** Address of nats as the pods see it. */
  readonly natsUrl: string;
}

/** Where the function's spec is in its container. */
const specFolder = '/etc/kflow';

const defaultResources = {
  requests: { cpu: '100m', memory: '256Mi' },
  limits: { memory: '1Gi' },
};

/** The container of a function, without its security context. */
export function renderContainer({ workload, image, natsUrl }: FunctionContainerProps): object {
  const { http } = workload;
  const policy = workload.imagePullPolicy;
  return {
    name: 'function',
    image: workload.image ?? image,
    ...(policy === undefined ? {} : { imagePullPolicy: policy }),
    ports: [{ name: 'http', containerPort: http.port, protocol: 'TCP' }],
    env: environmentOf(workload, natsUrl),
    resources: resourcesOf(workload),
    startupProbe: probe('/livez', { periodSeconds: 2, failureThreshold: 60 }),
    livenessProbe: probe('/livez', { periodSeconds: 10, failureThreshold: patience(workload) }),
    readinessProbe: probe('/readyz', { periodSeconds: 5, failureThreshold: 3 }),
    // the last lines of a crash are told with it
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: mountsOf(workload),
  };
}

/** No variable of the user's has the name of one of ours: the document may not have it. */
function environmentOf(workload: PlannedWorkload, natsUrl: string): readonly EnvVariable[] {
  const { container, http, secretEnv } = workload;
  const own: readonly EnvVariable[] = [
    { name: 'KFLOW_SPEC', value: `${specFolder}/spec.json` },
    { name: 'KFLOW_NATS_URL', value: natsUrl },
    { name: 'KFLOW_HTTP_PORT', value: String(http.port) },
    ...(http.metrics ? [{ name: 'KFLOW_METRICS', value: 'true' }] : []),
    ...replicaNumber(workload),
    ...secretVariables(secretEnv),
  ];
  return [...own, ...container.env];
}

/** A Job's pods know their number by themselves. */
function replicaNumber({ kind }: PlannedWorkload): readonly EnvVariable[] {
  if (kind !== 'statefulset') return [];
  const fieldPath = "metadata.labels['apps.kubernetes.io/pod-index']";
  return [{ name: 'KFLOW_REPLICA', valueFrom: { fieldRef: { fieldPath } } }];
}

/** What the document says over the defaults; a default gives way to a value it would contradict. */
function resourcesOf({ container }: PlannedWorkload): object {
  const { requests, limits } = container.resources;
  const isBelow = (one: string, other: string | undefined) =>
    other !== undefined && parseQuantity(one) < parseQuantity(other);
  const requested = Object.entries(defaultResources.requests).map(([resource, quantity]) => {
    const limit = limits[resource];
    return [resource, limit !== undefined && isBelow(limit, quantity) ? limit : quantity];
  });
  const { memory } = defaultResources.limits;
  const limit = isBelow(memory, requests.memory) ? requests.memory : memory;
  return {
    requests: { ...Object.fromEntries(requested), ...requests },
    limits: { memory: limit, ...limits },
  };
}

/** A synchronous function answers no probe while it works on a record, for which it has its time. */
function patience({ spec }: PlannedWorkload): number {
  return Math.max(6, Math.ceil(spec.maxPollIntervalMs / 10_000) + 1);
}

function probe(path: string, times: { readonly periodSeconds: number; readonly failureThreshold: number }): object {
  return { httpGet: { path, port: 'http' }, timeoutSeconds: 5, ...times };
}

/** A mount of the user's takes the place of ours at the same path. */
function mountsOf({ container }: PlannedWorkload): readonly object[] {
  const own = [
    { name: 'spec', mountPath: specFolder, readOnly: true },
    { name: 'tmp', mountPath: '/tmp' },
  ];
  const given = new Set(container.volumeMounts.map(({ mountPath }) => mountPath));
  return [...own.filter(({ mountPath }) => !given.has(mountPath)), ...container.volumeMounts];
}
