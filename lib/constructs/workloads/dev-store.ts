import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import type { ResourceValue } from '../../define/cdk8s-values';
import type { PlannedDevStore } from '../../plan/flow-plan';
import { natsAddresses, type PodNats } from '../../plan/nats-access';
import type { ManifestBody } from '../manifest';
import { contentHash, flowLabels, type Labels, metadata, SyncWave } from '../metadata';
import { egressRules } from '../pods/egress-rules';
import { renderNatsLogin } from '../pods/nats-login';
import { containerSecurity, secretVariables } from '../pods/pod-parts';
import { type PodDefaults, renderPodSettings } from '../pods/pod-settings';
import { nameOf, referenceTo, requireResources } from '../require-resources';

export interface DevStoreProps extends PodNats {
  readonly devStore: PlannedDevStore;
  /** ServiceAccount of the pod, by name or as a cdk8s-plus object. */
  readonly serviceAccount: string | ResourceValue;
  readonly pods?: PodDefaults;
}

const specFolder = '/etc/kflow';

/**
 * A pod that runs the functions of a flow step by step: it watches an S3 folder for each process, and writes the outputs
 * to another folder. The document names its image; `dev.json` lists the folders.
 */
export class DevStore extends Construct {
  constructor(
    scope: Construct,
    id: string,
    private readonly props: DevStoreProps,
  ) {
    super(scope, id);
    const { devStore, natsUrl } = props;
    const text = `${JSON.stringify(devStore.spec, null, 2)}\n`;
    const hash = contentHash(text);
    const selector = { matchLabels: this.selector() };
    this.object('Config', SyncWave.Streams, { apiVersion: 'v1', kind: 'ConfigMap', data: { 'dev.json': text } });
    this.object('Network', SyncWave.Workloads, {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      spec: {
        podSelector: selector,
        policyTypes: ['Ingress', 'Egress'],
        egress: egressRules([...natsAddresses(natsUrl), devStore.spec.addr]),
      },
    });
    this.object('Workload', SyncWave.Workloads, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      spec: { replicas: 1, selector, strategy: { type: 'Recreate' }, template: this.template(hash) },
    });
    requireResources(this, referenceTo(props.serviceAccount));
  }

  private selector(): Labels {
    const { jobId } = this.props.devStore.spec;
    return { 'kflow.io/job': jobId, 'kflow.io/component': 'dev-store' };
  }

  private template(hash: string): object {
    const { devStore, serviceAccount, pods } = this.props;
    const { podLabels, podAnnotations } = devStore.container;
    return {
      metadata: {
        labels: { ...podLabels, ...flowLabels(devStore.spec), ...this.selector() },
        annotations: { ...podAnnotations, 'kflow.io/spec-hash': hash },
      },
      spec: {
        ...renderPodSettings(devStore.container, { serviceAccount: nameOf(serviceAccount), defaults: pods }),
        containers: [this.container()],
        volumes: [
          { name: 'spec', configMap: { name: devStore.name } },
          ...renderNatsLogin(this.props).volumes,
          { name: 'tmp', emptyDir: {} },
        ],
      },
    };
  }

  private container(): object {
    const { devStore, pods } = this.props;
    const login = renderNatsLogin(this.props);
    const policy = devStore.imagePullPolicy ?? pods?.imagePullPolicy;
    return {
      name: 'dev-store',
      image: devStore.image,
      ...(policy === undefined ? {} : { imagePullPolicy: policy }),
      env: [
        { name: 'KFLOW_DEV_SPEC', value: `${specFolder}/dev.json` },
        ...login.variables,
        ...secretVariables(devStore.secretEnv),
      ],
      resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } },
      securityContext: containerSecurity,
      volumeMounts: [
        { name: 'spec', mountPath: specFolder, readOnly: true },
        ...login.mounts,
        { name: 'tmp', mountPath: '/tmp' },
      ],
    };
  }

  private object(id: string, wave: SyncWave, body: ManifestBody): void {
    const labels = { 'kflow.io/component': 'dev-store' };
    new ApiObject(this, id, { ...body, metadata: metadata(wave, { name: this.props.devStore.name, labels }) });
  }
}
