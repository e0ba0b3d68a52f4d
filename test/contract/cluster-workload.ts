import type { FlowKey } from '../../runtime/api-contract/flow-key';
import type { KubernetesObject } from '../../runtime/controller/ports/kubernetes-object';

/** A function's workload as a test describes it. */
export interface ClusterWorkload {
  readonly kind: 'deployment' | 'statefulset' | 'job';
  readonly function: string;
  readonly replicas: number;
  readonly isPaused?: true;
  /** The `kflow.io/spec-hash` of the template; another value makes another template. */
  readonly hash?: string;
  /** Extra content of the ConfigMap. */
  readonly note?: string;
}

/** Manifests of one function, as our constructs write them: a ConfigMap and the workload that runs it. */
export function renderClusterWorkload(flow: FlowKey, workload: ClusterWorkload): KubernetesObject[] {
  const { namespace, jobId } = flow;
  const labels = {
    'app.kubernetes.io/part-of': jobId,
    'app.kubernetes.io/managed-by': 'kflow',
    'kflow.io/job': jobId,
    'app.kubernetes.io/name': workload.function,
    'kflow.io/function': workload.function,
  };
  const metadata = { name: `${jobId}--${workload.function}`, namespace, labels };
  const spec = { namespace, jobId, function: workload.function, note: workload.note ?? '' };
  return [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'spec.json': JSON.stringify(spec) } },
    { metadata, ...bodyOf(workload, labels) },
  ];
}

function bodyOf(
  workload: ClusterWorkload,
  labels: { readonly [name: string]: string },
): { readonly apiVersion: string; readonly kind: string; readonly spec: object } {
  const { kind, replicas, isPaused } = workload;
  const name = `${labels['kflow.io/job']}--${workload.function}`;
  const template = templateOf(workload, labels, name);
  if (kind === 'job') {
    const onExitCodes = { containerName: 'function', operator: 'In', values: [78] };
    const spec = {
      completionMode: 'Indexed',
      completions: replicas,
      parallelism: replicas,
      backoffLimit: 6 * replicas,
      suspend: isPaused === true,
      podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes }] },
      template,
    };
    return { apiVersion: 'batch/v1', kind: 'Job', spec };
  }
  const selector = {
    matchLabels: {
      'kflow.io/job': labels['kflow.io/job'] as string,
      'kflow.io/function': workload.function,
    },
  };
  const spec = { replicas: isPaused ? 0 : replicas, selector, template };
  return kind === 'deployment'
    ? { apiVersion: 'apps/v1', kind: 'Deployment', spec: { ...spec, strategy: { type: 'RollingUpdate' } } }
    : {
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        spec: { ...spec, serviceName: name, podManagementPolicy: 'Parallel' },
      };
}

function templateOf(workload: ClusterWorkload, labels: { readonly [name: string]: string }, name: string): object {
  const fieldPath = "metadata.labels['apps.kubernetes.io/pod-index']";
  const number =
    workload.kind === 'statefulset' ? [{ name: 'KFLOW_REPLICA', valueFrom: { fieldRef: { fieldPath } } }] : [];
  return {
    metadata: { labels, annotations: { 'kflow.io/spec-hash': workload.hash ?? 'one' } },
    spec: {
      restartPolicy: workload.kind === 'job' ? 'Never' : 'Always',
      terminationGracePeriodSeconds: 5,
      containers: [
        {
          name: 'function',
          image: 'kflow:test',
          env: [{ name: 'KFLOW_SPEC', value: '/etc/kflow/spec.json' }, ...number],
          volumeMounts: [{ name: 'spec', mountPath: '/etc/kflow', readOnly: true }],
        },
      ],
      volumes: [{ name: 'spec', configMap: { name } }],
    },
  };
}
