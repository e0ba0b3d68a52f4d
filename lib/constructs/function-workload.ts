import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import type { ResourceValue } from '../define/cdk8s-values';
import { ExitCode, retriesEach } from '../plan/replica-lifecycle';
import { contentHash } from './content-hash';
import { egressRules } from './egress-rules';
import { FunctionConfig } from './function-config';
import type { FunctionContainerProps } from './function-container';
import type { ManifestBody } from './manifest';
import { MessageStore } from './message-store';
import { functionLabels, type Labels, metadata, podSelector, SyncWave } from './metadata';
import { MetricsEndpoint } from './metrics-endpoint';
import { type PodTemplateProps, renderPodTemplate } from './pod-template';
import { nameOf, referenceTo, requireResources } from './require-resources';

export interface FunctionWorkloadProps extends FunctionContainerProps {
  /** ServiceAccount of the pods, by its name or as an object of cdk8s-plus. */
  readonly serviceAccount: string | ResourceValue;
  /**
   * What the template's `kflow.io/spec-hash` begins with; left out, it is that of the spec. With the same one the pods stay,
   * whatever the spec says, while the rest of the template is the same.
   */
  readonly hash?: string;
}

/**
 * One function's replicas and what is theirs: a ConfigMap with spec and code, what they may connect to, how many of them
 * may be away at once, their metrics, and the Deployment, StatefulSet or indexed Job that runs them.
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
      // each for itself: of a Job as a whole, pods that its nodes gave up delay the others, up to ten minutes
      backoffLimitPerIndex: retriesEach,
      maxFailedIndexes: 0,
      suspend: isPaused,
      podFailurePolicy: {
        rules: [
          // a pod that its node had to give up is no failure of the function
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] },
          // nor is one that was told to stop, as in a pause
          { action: 'Ignore', onExitCodes: { containerName: 'function', operator: 'In', values: [ExitCode.Stopped] } },
          {
            action: 'FailJob',
            onExitCodes: { containerName: 'function', operator: 'In', values: [ExitCode.Misconfigured] },
          },
        ],
      },
      template: this.template(),
    };
    // a Job cannot be changed: Argo CD makes it anew, and it goes on where the old one was
    const annotations = { 'argocd.argoproj.io/sync-options': 'Force=true,Replace=true' };
    this.workload({ apiVersion: 'batch/v1', kind: 'Job', spec }, annotations);
  }

  private deployment(): void {
    const { workload } = this.props;
    const isSource = workload.spec.inputs.length === 0;
    const spec = {
      replicas: workload.isPaused ? 0 : workload.replicas,
      selector: { matchLabels: podSelector(workload) },
      // two of one source at a time would both make its records
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

  /** A hash that is asked for does not tell another image or variable, with which a cluster starts new pods all the same. */
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

  /** In: the metrics. Out: names, nats and the addresses that the topology gives. */
  private networkPolicy(): object {
    const { workload, natsUrl } = this.props;
    return {
      podSelector: { matchLabels: podSelector(workload) },
      policyTypes: ['Ingress', 'Egress'],
      // none lets nothing in; an empty list would be a change each time it is applied
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
