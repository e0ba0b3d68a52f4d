import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Chart, type ChartProps } from 'cdk8s';
import type { Construct } from 'constructs';
import type { ResourceValue, SecretValue } from '../define/cdk8s-values';
import type { FlowDefinition } from '../define/flow-definition';
import { type ResourceReference, resolveDocument } from '../define/resolve-document';
import { ConfigError, KFlowError } from '../errors';
import type { FlowPlan } from '../plan/flow-plan';
import { errorStreamObject, objectName } from '../plan/names';
import { areSameServers } from '../plan/nats-access';
import { partitionEnding } from '../plan/partitions';
import { planFlow } from '../plan/plan-flow';
import type { Purpose } from '../topology/document/draft';
import { defaultImage } from '../topology/document/image';
import type { Topology } from '../topology/document/topology';
import { formatProblem, type Problem } from '../topology/problem/problem';
import type { DocumentSet } from '../topology/read/document-set';
import { readTopology } from '../topology/read-topology';
import { bundleModules } from './bundle-modules';
import { identityFaults } from './flow-identity';
import { flowNotes } from './flow-notes';
import { flowLabels, type Labels } from './metadata';
import { nameOf, referenceTo, requireResources } from './require-resources';
import { flowFaults } from './settings-faults';
import { OutputStream, SideStream } from './streams/output-stream';
import { StateBucket } from './streams/state-bucket';
import { StreamConsumer } from './streams/stream-consumer';
import { addFlowAccount, addFlowWorkloads, type WorkloadSettings } from './workloads/flow-workloads';

/** Settings of a flow's manifests that are not in its topology. */
export interface FlowProps extends ChartProps {
  /**
   * Replaces the topology's namespace everywhere: in the objects, and in the names of streams, subjects, consumers, buckets
   * and payloads, so flows of one topology in several namespaces share nothing.
   */
  readonly namespace?: string;
  /** More labels of every object. Those by which KFlow finds the objects of a flow cannot have other values. */
  readonly labels?: Labels;
  /** Image of functions that name none: the runtime; default `kflow:latest`. */
  readonly image?: string;
  /** Address of NATS from within the pods; default `nats://nats.nats.svc:4222`. */
  readonly natsUrl?: string;
  /**
   * Secrets of the flow's namespace with the credentials of nats, by name or as cdk8s-plus objects. Their keys are `user`
   * and `password`, or `token`, `nats.creds` or `nkey`, and `ca.crt`, `tls.crt` and `tls.key`. Default: no login.
   */
  readonly natsSecrets?: readonly (string | SecretValue)[];
  /** JetStream domain that holds the streams; default: that of the server. */
  readonly natsDomain?: string;
  /** Name of the NACK `Account` of the flow's namespace by which NACK makes streams, consumers and buckets; default: NACK's own login. */
  readonly nackAccount?: string;
  /** ServiceAccount that the pods run as, by name or as a cdk8s-plus object; default: one without permissions. */
  readonly serviceAccount?: string | ResourceValue;
  /** Secrets by which images are pulled, by name or as cdk8s-plus objects, in addition to those of the topology. */
  readonly imagePullSecrets?: readonly (string | ResourceValue)[];
  /** When images are pulled, for functions without a policy: `Always`, `IfNotPresent` or `Never`. */
  readonly imagePullPolicy?: string;
  /** The functions create the buckets that they write, if these do not exist. Default: the buckets must exist. */
  readonly makesBuckets?: boolean;
  /** Seconds after which Kubernetes removes a Job that has ended; default: it stays. Not for Argo CD, which would create it again. */
  readonly ttlSecondsAfterFinished?: number;
  /** Folder that paths of modules are relative to; default: the folder of the document, or the working directory. */
  readonly baseDir?: string;
  /** Objects that the topology refers to; those of the same app are emitted first. `fromTopology` finds them. */
  readonly references?: readonly ResourceReference[];
}

/** How to read a document. */
export interface DocumentProps extends FlowProps {
  /** Name of the document in problems; default: the construct's id. */
  readonly file?: string;
  /** Values that override those of the document. */
  readonly sets?: readonly DocumentSet[];
  /** `manifests-without-secrets` reports every secret value in the document as a problem; default `manifests`. */
  readonly purpose?: Exclude<Purpose, 'run' | 'controller'>;
}

/**
 * A topology as a chart: streams, consumers, and a workload for each function. The chart of a topology with problems is
 * empty; validation reports every problem with its position before a file is written, and so does `node.findChild`.
 */
export class Flow extends Chart {
  /** Undefined when the topology has problems. */
  readonly plan: FlowPlan | undefined;
  /** What the manifests need in the cluster, such as Secrets and buckets, as texts for people. */
  readonly notes: readonly string[] = [];

  /** Reads a document from a YAML or JSON file. Throws if the file cannot be read. */
  static fromFile(scope: Construct, id: string, file: string, props: DocumentProps = {}): Flow {
    return Flow.fromTopology(scope, id, readFileSync(file, 'utf8'), { file, baseDir: path.dirname(file), ...props });
  }

  /**
   * The text of a document, or the document itself, which may have objects of cdk8s-plus in place of names, quantities,
   * variables and volumes. Throws ConfigError if an object is not accepted in its place.
   */
  static fromTopology(scope: Construct, id: string, document: string | object, props: DocumentProps = {}): Flow {
    const { file = id, sets = [], purpose = 'manifests', ...flow } = props;
    const { text, references } = textOf(document);
    const { topology, problems } = readTopology(text, { file, defaultJobId: path.parse(file).name, sets, purpose });
    const errors = problems.filter(({ severity }) => severity === 'error');
    return new Flow(scope, id, topology ?? errors, {
      ...flow,
      references: [...references, ...(props.references ?? [])],
    });
  }

  /** A flow written in TypeScript. Throws ConfigError with the faults of its functions' code and of its options. */
  static fromDefinition(scope: Construct, id: string, definition: FlowDefinition, props: DocumentProps = {}): Flow {
    const { jobId, directory } = definition.options;
    const { document, references } = definition.resolve();
    return Flow.fromTopology(scope, id, document, { file: jobId, baseDir: directory, references, ...props });
  }

  constructor(scope: Construct, id: string, document: Topology | readonly Problem[], props: FlowProps = {}) {
    const {
      image = defaultImage,
      natsUrl = 'nats://nats.nats.svc:4222',
      natsSecrets = [],
      natsDomain,
      nackAccount,
      baseDir = '.',
      serviceAccount,
      references = [],
      labels = {},
      imagePullSecrets = [],
      imagePullPolicy,
      makesBuckets = false,
      ttlSecondsAfterFinished,
      ...chart
    } = props;
    const isSound = !isProblems(document);
    const topology = isSound ? inNamespace(document, props.namespace) : undefined;
    const own = topology === undefined ? {} : flowLabels(topology);
    super(scope, id, { ...chart, namespace: topology?.namespace, labels: { ...labels, ...own } });
    const faults = isSound ? [] : document.map(formatProblem);
    this.node.addValidation({ validate: () => faults });
    tellFaults(this, faults);
    const secrets = { natsSecrets: natsSecrets.map(nameOf), imagePullSecrets: imagePullSecrets.map(nameOf) };
    faults.push(...flowFaults({ ...props, image, natsUrl, ...secrets }));
    if (topology === undefined) return;
    faults.push(...identityFaults(this, topology, labels));
    try {
      this.plan = planFlow(bundleModules(topology, baseDir), {
        hasClusterSecrets: true,
        beginsRuns: true,
        ...(makesBuckets ? { makesBuckets } : {}),
      });
    } catch (error) {
      if (!(error instanceof KFlowError)) throw error;
      faults.push(error.message);
      return;
    }
    this.notes = flowNotes(this.plan, { image, makesBuckets });
    const account = serviceAccount ?? addFlowAccount(this, this.plan);
    const nats = { natsUrl, natsSecrets: secrets.natsSecrets, natsDomain };
    const pods = { imagePullSecrets: secrets.imagePullSecrets, imagePullPolicy };
    const settings = { image, ...nats, serviceAccount: nameOf(account), pods, ttlSecondsAfterFinished };
    if (faults.length > 0) return;
    this.render(this.plan, settings, nackAccount);
    const named = [serviceAccount, ...natsSecrets, ...imagePullSecrets].flatMap((resource) => referenceTo(resource));
    requireResources(this, [...named, ...references], topology.namespace);
  }

  private render(flow: FlowPlan, settings: WorkloadSettings, account: string | undefined): void {
    const { stateBucket, hasNoRecords = false } = flow;
    const storage = { ...flow.storage, account };
    if (!hasNoRecords)
      new StateBucket(this, 'State', { name: objectName(flow, stateBucket), bucket: stateBucket, ...storage });
    for (const stream of flow.streams) {
      const Stream = stream.role === 'output' ? OutputStream : SideStream;
      new Stream(this, objectName(flow, stream.name), { flow, stream, account });
    }
    for (const { addr, ...stream } of flow.errorStreams) {
      // NACK makes streams of one nats only
      if (addr !== undefined && !areSameServers(addr, settings.natsUrl)) continue;
      const name = errorStreamObject(flow, stream.name);
      new SideStream(this, name, { flow, stream, name, account });
    }
    for (const consumer of flow.consumers) {
      const id = objectName(flow, `${consumer.stream}_reader_${consumer.function}${partitionEnding(consumer)}`);
      new StreamConsumer(this, id, { flow, consumer, account });
    }
    addFlowWorkloads(this, flow, settings);
  }
}

/** Who looks for an object that a flow with faults does not have learns the faults: synthesis, which reports them, comes later. */
function tellFaults({ node }: Flow, faults: readonly string[]): void {
  const findChild = node.findChild.bind(node);
  node.findChild = (id) => {
    if (faults.length === 0 || node.tryFindChild(id) !== undefined) return findChild(id);
    throw new ConfigError(
      'config-invalid',
      `[${node.path}] has no objects because of its problems:\n${faults.join('\n')}`,
    );
  };
}

function isProblems(document: Topology | readonly Problem[]): document is readonly Problem[] {
  return Array.isArray(document);
}

function inNamespace(topology: Topology, namespace: string = topology.namespace): Topology {
  return { ...topology, namespace };
}

function textOf(document: string | object): { text: string; references: readonly ResourceReference[] } {
  if (typeof document === 'string') return { text: document, references: [] };
  const { document: resolved, references } = resolveDocument(document);
  return { text: JSON.stringify(resolved, null, 2), references };
}
