import { Chart, type ChartProps } from 'cdk8s';
import type { Construct } from 'constructs';
import type { FlowPlan } from '../plan/flow-plan';
import { planFlow } from '../plan/plan-flow';
import { type Problem, TopologyError } from '../topology/problem';
import { readTopology } from '../topology/read-topology';
import type { Topology } from '../topology/topology';
import { FunctionWorkload } from './function-workload';
import { OutputStream } from './output-stream';
import { StreamConsumer } from './stream-consumer';

export interface FlowProps extends ChartProps {
  readonly topology: Topology;
  /** Image of the runtime, for functions that name none. */
  readonly image?: string;
  /** Address of nats as the pods see it; default `nats://nats.nats.svc:4222`. */
  readonly natsUrl?: string;
}

/** One topology as a chart: its streams, their consumers, and a workload for each function. */
export class Flow extends Chart {
  readonly plan: FlowPlan;

  /** Reads the document's text; `file` names it in problems. Throws TopologyError with every problem. */
  static fromTopology(
    scope: Construct,
    id: string,
    text: string,
    file: string,
    props: Omit<FlowProps, 'topology'> = {},
  ): Flow {
    const { topology, problems } = readTopology(text, { file, defaultJobId: id });
    if (topology === undefined) throw new TopologyError(problems.filter(isError));
    return new Flow(scope, id, { ...props, topology });
  }

  constructor(scope: Construct, id: string, props: FlowProps) {
    const { topology, image = 'kflow:latest', natsUrl = 'nats://nats.nats.svc:4222', ...chart } = props;
    super(scope, id, {
      namespace: topology.namespace,
      labels: { 'app.kubernetes.io/part-of': topology.jobId },
      ...chart,
    });
    this.plan = planFlow(topology, {});
    for (const stream of this.plan.streams) new OutputStream(this, stream.name, { stream });
    for (const consumer of this.plan.consumers) {
      new StreamConsumer(this, `${consumer.stream}.${consumer.durable}`, { consumer });
    }
    for (const workload of this.plan.workloads) {
      const own = topology.dag.find((fn) => fn.id === workload.function)?.image;
      new FunctionWorkload(this, workload.function, { workload, image: own ?? image, natsUrl });
    }
  }
}

function isError(problem: Problem): boolean {
  return problem.severity === 'error';
}
