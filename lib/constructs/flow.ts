import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Chart, type ChartProps } from 'cdk8s';
import type { Construct } from 'constructs';
import type { FlowDefinition } from '../define/flow-definition';
import { KFlowError } from '../errors';
import type { FlowPlan } from '../plan/flow-plan';
import { objectName } from '../plan/names';
import { planFlow } from '../plan/plan-flow';
import type { Purpose } from '../topology/document/purpose';
import type { Topology } from '../topology/document/topology';
import { formatProblem, type Problem } from '../topology/problem/problem';
import { carriesSecret } from '../topology/problem/secret-text';
import type { DocumentSet } from '../topology/read/parse-set';
import { readTopology } from '../topology/read-topology';
import { bundleModules } from './bundle-modules';
import { addFlowAccount, addFlowWorkloads } from './flow-workloads';
import { flowLabels } from './metadata';
import { OutputStream } from './output-stream';
import { SideStream } from './side-stream';
import { StateBucket } from './state-bucket';
import { StreamConsumer } from './stream-consumer';

/** What the manifests of a flow need to know beside its topology. */
export interface FlowProps extends ChartProps {
  /** Image of the runtime, for functions that name none; default `kflow:latest`. */
  readonly image?: string;
  /** Address of nats as the pods see it; default `nats://nats.nats.svc:4222`. */
  readonly natsUrl?: string;
  /** Where paths of modules start; default the folder of the document, else the working folder. */
  readonly baseDir?: string;
}

/** How the text of a document is read. */
export interface DocumentProps extends FlowProps {
  /** Names the document in problems; default the construct's id. */
  readonly file?: string;
  /** Values laid over the document's. */
  readonly sets?: readonly DocumentSet[];
  /** `manifests-without-secrets` makes every secret value in the document a problem; default `manifests`. */
  readonly purpose?: Exclude<Purpose, 'run' | 'controller'>;
}

/**
 * One topology as a chart: its streams, their consumers, and a workload for each function. A topology with problems has
 * no objects; validation tells every problem with its place, before a file is written.
 */
export class Flow extends Chart {
  /** Undefined when the topology has problems. */
  readonly plan: FlowPlan | undefined;

  /** A document from a file, YAML or JSON. Throws when the file cannot be read. */
  static fromFile(scope: Construct, id: string, file: string, props: DocumentProps = {}): Flow {
    return Flow.fromTopology(scope, id, readFileSync(file, 'utf8'), { file, baseDir: path.dirname(file), ...props });
  }

  /** The text of a document, or the document itself. */
  static fromTopology(scope: Construct, id: string, document: string | object, props: DocumentProps = {}): Flow {
    const { file = id, sets = [], purpose = 'manifests', ...flow } = props;
    const text = typeof document === 'string' ? document : JSON.stringify(document, null, 2);
    const { topology, problems } = readTopology(text, { file, defaultJobId: path.parse(file).name, sets, purpose });
    return new Flow(scope, id, topology ?? problems.filter(({ severity }) => severity === 'error'), flow);
  }

  /** A flow written in TypeScript. Throws ConfigError with what is wrong with the code of its functions. */
  static fromDefinition(scope: Construct, id: string, definition: FlowDefinition, props: DocumentProps = {}): Flow {
    const { jobId, directory } = definition.options;
    return Flow.fromTopology(scope, id, definition.document(), { file: jobId, baseDir: directory, ...props });
  }

  constructor(scope: Construct, id: string, topology: Topology | readonly Problem[], props: FlowProps = {}) {
    const { image = 'kflow:latest', natsUrl = 'nats://nats.nats.svc:4222', baseDir = '.', ...chart } = props;
    const isSound = !isProblems(topology);
    super(scope, id, isSound ? { namespace: topology.namespace, labels: flowLabels(topology), ...chart } : chart);
    const faults = isSound ? [] : topology.map(formatProblem);
    this.node.addValidation({ validate: () => faults });
    for (const [name, value] of Object.entries({ image, natsUrl })) {
      if (carriesSecret(value)) faults.push(`${name} carries a user and password, and would be written as it is`);
    }
    if (!isSound) return;
    try {
      this.plan = planFlow(bundleModules(topology, baseDir), { hasClusterSecrets: true });
    } catch (error) {
      if (!(error instanceof KFlowError)) throw error;
      faults.push(error.message);
      return;
    }
    this.render(this.plan, { image, natsUrl });
  }

  private render(flow: FlowPlan, settings: { readonly image: string; readonly natsUrl: string }): void {
    addFlowAccount(this, flow);
    const { stateBucket, schemaBucket, storage } = flow;
    new StateBucket(this, 'State', { name: objectName(flow, stateBucket), bucket: stateBucket, ...storage });
    const schemas = { name: `${flow.jobId}----schemas`, bucket: schemaBucket, isShared: true as const };
    new StateBucket(this, 'Schemas', { ...schemas, ...storage });
    for (const stream of flow.streams) {
      const Stream = stream.role === 'output' ? OutputStream : SideStream;
      new Stream(this, objectName(flow, stream.name), { flow, stream });
    }
    for (const consumer of flow.consumers) {
      new StreamConsumer(this, objectName(flow, `${consumer.stream}_reader_${consumer.function}`), { flow, consumer });
    }
    addFlowWorkloads(this, flow, settings);
  }
}

function isProblems(topology: Topology | readonly Problem[]): topology is readonly Problem[] {
  return Array.isArray(topology);
}
