import { ApiObject, type ApiObjectProps } from 'cdk8s';
import { Construct } from 'constructs';
import type { ResourceValue } from '../../define/cdk8s-values';
import type { FunctionSpec } from '../../plan/function-spec';
import { natsAddresses } from '../../plan/nats-access';
import { ExitCode, retriesEach } from '../../plan/replica-lifecycle';
import { functionContainer } from '../../topology/document/container-settings';
import type { ManifestBody } from '../manifest';
import { configMapName, contentHash, functionLabels, type Labels, metadata, podSelector, SyncWave } from '../metadata';
import { egressRules } from '../pods/egress-rules';
import type { FunctionContainerProps } from '../pods/function-container';
import { type PodTemplateProps, renderPodTemplate } from '../pods/pod-template';
import { nameOf, referenceTo, requireResources } from '../require-resources';
import { FunctionConfig } from './function-config';
import { HashedJob, NamedWithJob } from './hashed-job';
import { headlessService, MetricsEndpoint, serviceName } from './metrics-endpoint';

export interface FunctionWorkloadProps extends FunctionContainerProps {
  /** ServiceAccount of the pods, by name or as a cdk8s-plus object. */
  readonly serviceAccount: string | ResourceValue;
  /**
   * Start of the template's `kflow.io/spec-hash`; default: the hash of the spec. While this hash and the rest of the
   * template stay the same, the pods keep running, even if the spec changes.
   */
  readonly hash?: string;
  /**
   * Whoever applies the objects replaces a Job that has changed, as the controller does, so its name stays. Without it, the
   * names of the Job and its ConfigMap end with a hash, and a changed Job is another object.
   */
  readonly replacesJobs?: boolean;
  /** Seconds after which Kubernetes removes a Job that has ended; default: it stays. */
  readonly ttlSecondsAfterFinished?: number;
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
  private hashedJob: HashedJob | undefined;

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
    this.configMap();
    this.object('Network', {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      spec: this.networkPolicy(),
    });
    if (workload.http.metrics) new MetricsEndpoint(this, 'Metrics', { workload });
    else if (workload.kind === 'statefulset') new ApiObject(this, 'Service', headlessService(workload));
    if (workload.kind !== 'job') {
      const spec = { maxUnavailable: 1, selector: { matchLabels: podSelector(workload) } };
      this.object('Disruption', { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', spec });
    }
    if (workload.kind === 'job') this.job();
    else if (workload.kind === 'statefulset') this.statefulSet();
    else this.deployment();
    requireResources(this, referenceTo(props.serviceAccount));
  }

  private configMap(): void {
    const body = { apiVersion: 'v1', kind: 'ConfigMap', data: this.config.files };
    const props = this.rendered(body, SyncWave.Streams);
    if (this.isJobHashed) new NamedWithJob(this, 'Config', props, () => this.hashedJob as HashedJob);
    else {
      const name = configMapName(this.props.workload);
      new ApiObject(this, 'Config', { ...props, metadata: { ...props.metadata, name } });
    }
  }

  private get isJobHashed(): boolean {
    return this.props.workload.kind === 'job' && this.props.replacesJobs !== true;
  }

  private job(): void {
    const { workload, ttlSecondsAfterFinished } = this.props;
    const { replicas, isPaused } = workload;
    const spec = {
      completionMode: 'Indexed',
      completions: replicas,
      parallelism: replicas,
      // per index: with a limit for the whole Job, evicted pods would delay the others by up to ten minutes
      backoffLimitPerIndex: retriesEach,
      maxFailedIndexes: 0,
      suspend: isPaused,
      ...(ttlSecondsAfterFinished === undefined ? {} : { ttlSecondsAfterFinished }),
      podFailurePolicy: {
        rules: [
          // an evicted pod is not a failure of the function
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] },
          // neither is a pod that was stopped, as in a pause
          {
            action: 'Ignore',
            onExitCodes: { containerName: functionContainer, operator: 'In', values: [ExitCode.Stopped] },
          },
          {
            action: 'FailJob',
            onExitCodes: {
              containerName: functionContainer,
              operator: 'In',
              // the API server wants them in order
              values: [ExitCode.Incomplete, ExitCode.Misconfigured],
            },
          },
        ],
      },
      template: this.template(),
    };
    const body = { apiVersion: 'batch/v1', kind: 'Job', spec };
    const props = this.rendered(body, SyncWave.Workloads, this.storeAnnotations);
    if (this.isJobHashed) this.hashedJob = new HashedJob(this, 'Workload', props, workload.name);
    else new ApiObject(this, 'Workload', props);
  }

  private deployment(): void {
    const { workload } = this.props;
    const isSource = workload.spec.inputs.length === 0;
    const isStepped = workload.spec.steps !== undefined;
    const spec = {
      replicas: workload.isPaused ? 0 : workload.replicas,
      selector: { matchLabels: podSelector(workload) },
      // two replicas at a time would produce the records of a source, or run an object, twice
      strategy: isSource || isStepped ? { type: 'Recreate' } : { type: 'RollingUpdate' },
      template: this.template(),
    };
    this.workload({ apiVersion: 'apps/v1', kind: 'Deployment', spec });
  }

  private statefulSet(): void {
    const { workload } = this.props;
    const spec = {
      replicas: workload.isPaused ? 0 : workload.replicas,
      selector: { matchLabels: podSelector(workload) },
      serviceName: serviceName(workload),
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
      egress: egressRules([...natsAddresses(natsUrl), ...workload.addresses]),
    };
  }

  private workload(body: ManifestBody): void {
    new ApiObject(this, 'Workload', this.rendered(body, SyncWave.Workloads, this.storeAnnotations));
  }

  private object(id: string, body: ManifestBody, wave: SyncWave = SyncWave.Workloads): void {
    new ApiObject(this, id, this.rendered(body, wave));
  }

  private rendered(body: ManifestBody, wave: SyncWave, annotations: Labels = {}): ApiObjectProps {
    const { workload } = this.props;
    const labels = functionLabels(workload);
    return { ...body, metadata: metadata(wave, { name: workload.name, labels, annotations }) };
  }
}
