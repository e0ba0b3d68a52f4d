import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import type { ResourceValue } from '../../define/cdk8s-values';
import type { FunctionSpec } from '../../plan/function-spec';
import { ExitCode, retriesEach } from '../../plan/replica-lifecycle';
import type { ManifestBody } from '../manifest';
import { contentHash, functionLabels, type Labels, metadata, podSelector, SyncWave } from '../metadata';
import { egressRules } from '../pods/egress-rules';
import type { FunctionContainerProps } from '../pods/function-container';
import { type PodTemplateProps, renderPodTemplate } from '../pods/pod-template';
import { nameOf, referenceTo, requireResources } from '../require-resources';
import { FunctionConfig } from './function-config';
import { MetricsEndpoint } from './metrics-endpoint';

export interface FunctionWorkloadProps extends FunctionContainerProps {
  /** ServiceAccount of the pods, by name or as a cdk8s-plus object. */
  readonly serviceAccount: string | ResourceValue;
  /**
   * Start of the template's `kflow.io/spec-hash`; default: the hash of the spec. While this hash and the rest of the
   * template stay the same, the pods keep running, even if the spec changes.
   */
  readonly hash?: string;
}

export interface MessageStoreProps {
  readonly store: NonNullable<FunctionSpec['messageStore']>;
}

/**
 * The part of a bucket that holds a function's large messages. It is outside the cluster, so it has no Kubernetes object:
 * the workload is annotated with the location, and the controller purges it when the flow is deleted.
 */
export class MessageStore extends Construct {
  readonly annotations: Labels;

  constructor(scope: Construct, id: string, { store }: MessageStoreProps) {
    super(scope, id);
    this.annotations = { 'kflow.io/message-store': `s3a://${store.bucket}/${store.prefix} at ${store.addr}` };
  }
}

/**
 * The objects of one function: a ConfigMap with spec and code, a NetworkPolicy, a PodDisruptionBudget, a Service for
 * metrics, and the Deployment, StatefulSet or indexed Job that runs the replicas.
 */
export class FunctionWorkload extends Construct {
  private readonly config: FunctionConfig;
  private readonly storeAnnotations: Labels;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: FunctionWorkloadProps,
  ) {
    super(scope, id);
    const { workload } = props;
    const { messageStore } = workload.spec;
    this.config = new FunctionConfig(workload);
    this.storeAnnotations =
      messageStore === undefined ? {} : new MessageStore(this, 'MessageStore', { store: messageStore }).annotations;
    this.node.addValidation({ validate: () => (this.config.fault === undefined ? [] : [this.config.fault]) });
    this.object('Config', { apiVersion: 'v1', kind: 'ConfigMap', data: this.config.files }, SyncWave.Streams);
    this.object('Network', {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      spec: this.networkPolicy(),
    });
    if (workload.http.metrics) new MetricsEndpoint(this, 'Metrics', { workload });
    if (workload.kind !== 'job') {
      const spec = { maxUnavailable: 1, selector: { matchLabels: podSelector(workload) } };
      this.object('Disruption', { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', spec });
    }
    if (workload.kind === 'job') this.job();
    else if (workload.kind === 'statefulset') this.statefulSet();
    else this.deployment();
    requireResources(this, referenceTo(props.serviceAccount));
  }

  private job(): void {
    const { replicas, isPaused } = this.props.workload;
    const spec = {
      completionMode: 'Indexed',
      completions: replicas,
      parallelism: replicas,
      // per index: with a limit for the whole Job, evicted pods would delay the others by up to ten minutes
      backoffLimitPerIndex: retriesEach,
      maxFailedIndexes: 0,
      suspend: isPaused,
      podFailurePolicy: {
        rules: [
          // an evicted pod is not a failure of the function
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] },
          // neither is a pod that was stopped, as in a pause
          { action: 'Ignore', onExitCodes: { containerName: 'function', operator: 'In', values: [ExitCode.Stopped] } },
          {
            action: 'FailJob',
            onExitCodes: {
              containerName: 'function',
              operator: 'In',
              // the API server wants them in order
              values: [ExitCode.Incomplete, ExitCode.Misconfigured],
            },
          },
        ],
      },
      template: this.template(),
    };
    // a Job is immutable: Argo CD replaces it, and the new Job continues at the same offsets
    const annotations = { 'argocd.argoproj.io/sync-options': 'Force=true,Replace=true' };
    this.workload({ apiVersion: 'batch/v1', kind: 'Job', spec }, annotations);
  }

  private deployment(): void {
    const { workload } = this.props;
    const isSource = workload.spec.inputs.length === 0;
    const spec = {
      replicas: workload.isPaused ? 0 : workload.replicas,
      selector: { matchLabels: podSelector(workload) },
      // two replicas of one source at a time would produce its records twice
      strategy: isSource ? { type: 'Recreate' } : { type: 'RollingUpdate' },
      template: this.template(),
    };
    this.workload({ apiVersion: 'apps/v1', kind: 'Deployment', spec });
  }

  private statefulSet(): void {
    const { workload } = this.props;
    const spec = {
      replicas: workload.isPaused ? 0 : workload.replicas,
      selector: { matchLabels: podSelector(workload) },
      serviceName: workload.name,
      podManagementPolicy: 'Parallel',
      template: this.template(),
    };
    this.workload({ apiVersion: 'apps/v1', kind: 'StatefulSet', spec });
  }

  /** A given hash does not cover the image and variables, so the hash of the rest of the template is appended. */
  private template(): object {
    const { hash } = this.props;
    const props: PodTemplateProps = {
      ...this.props,
      serviceAccount: nameOf(this.props.serviceAccount),
      hash: this.config.hash,
    };
    if (hash === undefined) return renderPodTemplate(props);
    const rest = contentHash(JSON.stringify(renderPodTemplate({ ...props, hash: '' })));
    return renderPodTemplate({ ...props, hash: `${hash}.${rest}` });
  }

  /** Ingress: the metrics. Egress: DNS, NATS and the addresses in the topology. */
  private networkPolicy(): object {
    const { workload, natsUrl } = this.props;
    return {
      podSelector: { matchLabels: podSelector(workload) },
      policyTypes: ['Ingress', 'Egress'],
      // left out: no ingress is allowed; the API server drops an empty list, so applying one would always be a change
      ...(workload.http.metrics ? { ingress: [{ ports: [{ protocol: 'TCP', port: workload.http.port }] }] } : {}),
      egress: egressRules([natsUrl, ...workload.addresses]),
    };
  }

  private workload(body: ManifestBody, annotations: Labels = {}): void {
    this.object('Workload', body, SyncWave.Workloads, { ...this.storeAnnotations, ...annotations });
  }

  private object(id: string, body: ManifestBody, wave: SyncWave = SyncWave.Workloads, annotations: Labels = {}): void {
    const { workload } = this.props;
    const labels = functionLabels(workload);
    new ApiObject(this, id, { ...body, metadata: metadata(wave, { name: workload.name, labels, annotations }) });
  }
}
