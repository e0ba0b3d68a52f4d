import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import type { PlannedWorkload } from '../../plan/flow-plan';
import { functionLabels, metadata, podSelector, SyncWave } from '../metadata';

export interface MetricsEndpointProps {
  readonly workload: PlannedWorkload;
}

/** A headless Service by which Prometheus finds the metrics of each replica, with the usual scrape annotations. */
export class MetricsEndpoint extends Construct {
  constructor(scope: Construct, id: string, { workload }: MetricsEndpointProps) {
    super(scope, id);
    const { port } = workload.http;
    new ApiObject(this, 'Resource', {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: metadata(SyncWave.Workloads, {
        // the name of a Service must start with a letter
        name: /^[a-z]/.test(workload.name) ? workload.name : `f-${workload.name}`,
        labels: functionLabels(workload),
        annotations: {
          'prometheus.io/scrape': 'true',
          'prometheus.io/port': String(port),
          'prometheus.io/path': '/metrics',
        },
      }),
      spec: {
        clusterIP: 'None',
        publishNotReadyAddresses: true,
        selector: podSelector(workload),
        ports: [{ name: 'metrics', port, targetPort: 'http', protocol: 'TCP' }],
      },
    });
  }
}
