import { ApiObject, type ApiObjectProps } from 'cdk8s';
import { Construct } from 'constructs';
import type { PlannedWorkload } from '../../plan/flow-plan';
import { functionLabels, type Labels, metadata, podSelector, SyncWave } from '../metadata';

export interface MetricsEndpointProps {
  readonly workload: PlannedWorkload;
}

/** A headless Service by which Prometheus finds the metrics of each replica, with the usual scrape annotations. */
export class MetricsEndpoint extends Construct {
  constructor(scope: Construct, id: string, { workload }: MetricsEndpointProps) {
    super(scope, id);
    const annotations = {
      'prometheus.io/scrape': 'true',
      'prometheus.io/port': String(workload.http.port),
      'prometheus.io/path': '/metrics',
    };
    new ApiObject(this, 'Resource', headlessService(workload, annotations));
  }
}

/** The Service that gives each replica a DNS name; a StatefulSet refers to it. */
export function headlessService(workload: PlannedWorkload, annotations: Labels = {}): ApiObjectProps {
  const { port, metrics } = workload.http;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(SyncWave.Workloads, {
      name: serviceName(workload),
      labels: functionLabels(workload),
      annotations,
    }),
    spec: {
      clusterIP: 'None',
      publishNotReadyAddresses: true,
      selector: podSelector(workload),
      ports: [{ name: metrics ? 'metrics' : 'http', port, targetPort: 'http', protocol: 'TCP' }],
    },
  };
}

/** The name of a Service must start with a letter. */
export function serviceName({ name }: Pick<PlannedWorkload, 'name'>): string {
  return /^[a-z]/.test(name) ? name : `f-${name}`;
}
