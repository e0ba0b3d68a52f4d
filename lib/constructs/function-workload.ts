import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import type { PlannedWorkload } from '../plan/flow-plan';

export interface FunctionWorkloadProps {
  readonly workload: PlannedWorkload;
  readonly image: string;
  /** Address of nats as the pods see it. */
  readonly natsUrl: string;
}

const specFolder = '/etc/kflow';
/** A replica finishes what it holds within 25 s of SIGTERM. */
const terminationGracePeriodSeconds = 30;

/** One function's replicas: a ConfigMap with its spec, and the Deployment or indexed Job that runs it. */
export class FunctionWorkload extends Construct {
  private readonly labels: { readonly [name: string]: string };

  constructor(
    scope: Construct,
    id: string,
    private readonly props: FunctionWorkloadProps,
  ) {
    super(scope, id);
    const { workload } = props;
    const { jobId, function: functionId } = workload.spec;
    this.labels = { 'app.kubernetes.io/name': workload.name, 'kflow.io/job': jobId, 'kflow.io/function': functionId };
    const metadata = { name: workload.name, labels: this.labels };
    new k8s.KubeConfigMap(this, 'Spec', { metadata, data: { 'spec.json': JSON.stringify(workload.spec, null, 2) } });
    if (workload.kind === 'job') new k8s.KubeJob(this, 'Job', { metadata, spec: this.jobSpec() });
    else new k8s.KubeDeployment(this, 'Deployment', { metadata, spec: this.deploymentSpec() });
  }

  private jobSpec(): k8s.JobSpec {
    const { replicas } = this.props.workload;
    return {
      completionMode: 'Indexed',
      completions: replicas,
      parallelism: replicas,
      backoffLimit: 6 * replicas,
      template: { metadata: { labels: this.labels }, spec: this.podSpec('OnFailure') },
    };
  }

  private deploymentSpec(): k8s.DeploymentSpec {
    return {
      replicas: this.props.workload.replicas,
      selector: { matchLabels: this.labels },
      template: { metadata: { labels: this.labels }, spec: this.podSpec('Always') },
    };
  }

  /** Fits Pod Security *restricted*. */
  private podSpec(restartPolicy: string): k8s.PodSpec {
    const { workload } = this.props;
    return {
      restartPolicy,
      terminationGracePeriodSeconds,
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [this.container()],
      volumes: [
        { name: 'spec', configMap: { name: workload.name } },
        { name: 'tmp', emptyDir: {} },
      ],
    };
  }

  private container(): k8s.Container {
    const { workload, image, natsUrl } = this.props;
    return {
      name: 'function',
      image,
      env: [
        { name: 'KFLOW_SPEC', value: `${specFolder}/spec.json` },
        { name: 'KFLOW_NATS_URL', value: natsUrl },
        ...(workload.env as readonly k8s.EnvVar[]),
      ],
      ...(workload.secret === undefined ? {} : { envFrom: [{ secretRef: { name: workload.secret } }] }),
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      },
      volumeMounts: [
        { name: 'spec', mountPath: specFolder, readOnly: true },
        { name: 'tmp', mountPath: '/tmp' },
      ],
    };
  }
}
