import path from 'node:path';
import type { NatsConnection } from 'nats';
import { renderWorkloads } from '../../../../lib/constructs/controlled-flow';
import { ConfigError, StateError } from '../../../../lib/errors';
import type { FlowPlan } from '../../../../lib/plan/flow-plan';
import { deadLetterStream } from '../../../../lib/plan/names';
import { natsVariables } from '../../../../lib/plan/nats-access';
import { planFlow } from '../../../../lib/plan/plan-flow';
import { inTopologicalOrder } from '../../../../lib/topology/document/graph';
import type { FlowFunction, Topology } from '../../../../lib/topology/document/topology';
import { kindOf } from '../../../../lib/topology/function-types/function-type';
import { connectNats } from '../../../adapters/jetstream/access/connect-nats';
import { managerOf } from '../../../adapters/jetstream/access/jetstream-api';
import { JetStreamStreams } from '../../../adapters/jetstream/jetstream-streams';
import { readLetters } from '../../../adapters/jetstream/letters/read-letters';
import { lettersBefore } from '../../../adapters/jetstream/read-run';
import { WorkloadNode } from '../../../adapters/processes/workload-node';
import type { FailedStop } from '../../../adapters/processes/workload-runner';
import { S3Buckets } from '../../../adapters/s3/s3-buckets';
import { beginBatch } from '../../../controller/flows/activities/batch-flow';
import { type EmptySource, findEmptySources } from '../../../controller/flows/health/empty-sources';
import type { KubernetesObject } from '../../../controller/ports/kubernetes-object';
import type { StoredLetter } from '../../../engine/letters/stored-letter';
import type { RecordedEdge } from './edge-file';
import { EdgeRecorder, withRecorders } from './edge-recorder';
import { FlowProgress, type FunctionCounts } from './flow-progress';
import { type DirectoryMap, LocalBuckets } from './local-buckets';
import { LocalReplicas, type ReplicaStatus } from './local-replicas';
import { type LocalFlowOptions, type LocalServers, startLocalServers } from './local-servers';
import type { LocalSteps } from './local-steps';
import { MetricsServer } from './metrics-server';
import { countDocuments, indicesOf } from './replaced-servers';
import { writeRunNote } from './run-note';

/** How long nats and object stores may be away before the flow starts. */
const maxAwayMs = 60_000;

/** What a flow on this machine reads from files, and writes into files. */
export interface LocalFlowFiles {
  readonly fill: readonly DirectoryMap[];
  readonly save: readonly DirectoryMap[];
  readonly record: readonly RecordedEdge[];
}

/** A flow on this machine: its servers, streams, buckets and processes. */
export class LocalFlow {
  private servers: LocalServers | undefined;
  private connection: NatsConnection | undefined;
  private node: WorkloadNode | undefined;
  private metrics: MetricsServer | undefined;
  private replicasSeen: LocalReplicas | undefined;
  private streams: JetStreamStreams | undefined;
  private counting: FlowProgress | undefined;
  private plan: FlowPlan | undefined;
  /** Of a flow that runs step by step. */
  steps: LocalSteps | undefined;
  private recorders: readonly EdgeRecorder[] = [];
  /** Functions that ended before this command, in a run that it continues. */
  private endedBefore: readonly string[] = [];
  private readonly stopped = new Set<string>();
  private readonly awayMs: number;

  constructor(
    private readonly topology: Topology,
    private readonly options: LocalFlowOptions,
  ) {
    this.awayMs = Math.min(maxAwayMs, options.timeoutMs ?? maxAwayMs);
  }

  /**
   * Starts the servers, creates streams and buckets, and fills the buckets, without starting functions. Throws ConfigError
   * when the value of a variable exists only in a cluster.
   */
  async prepare({ fill, save, record }: LocalFlowFiles): Promise<void> {
    const { topology, options } = this;
    this.servers = await startLocalServers(topology, options);
    // a pause in the document is ignored, because no command could resume the function
    const planned = planFlow(topology, this.servers.planSettings);
    const workloads = planned.workloads.map((workload) => ({ ...workload, isPaused: false }));
    this.plan = withRecorders({ ...planned, workloads }, record);
    assertVariablesKnown(this.plan);
    this.localBuckets().assertKnown('--bucket', fill);
    this.localBuckets().assertKnown('--save', save);
    const name = `kflow run ${topology.jobId}`;
    this.connection = await connectNats(
      this.servers.nats,
      name,
      { trouble: options.say, absent: options.say },
      this.awayMs,
    );
    this.streams = await JetStreamStreams.open(this.connection);
    await this.streams.provision(this.plan);
    if (topology.mode === 'batch') this.endedBefore = await beginBatch(this.streams, this.plan);
    else await this.streams.beginRun(this.plan);
    const { s3Override } = this.servers.planSettings;
    writeRunNote(options.directory.path, {
      namespace: topology.namespace,
      pid: process.pid,
      nats: this.servers.nats,
      ...(s3Override === undefined ? {} : { s3: s3Override }),
      isEmbedded: options.isEmbedded,
      ...(this.plan.devStore === undefined ? {} : { plan: this.plan }),
    });
    await this.buckets({ retryForMs: this.awayMs }).ensure(this.plan);
    await this.localBuckets().fill(fill);
    this.counting = await FlowProgress.open(this.connection, this.plan);
    const { say } = options;
    for (const edge of record)
      this.recorders = [...this.recorders, await EdgeRecorder.open(this.connection, this.plan, { edge, say })];
    if (this.plan.devStore !== undefined) await this.openSteps(this.plan);
  }

  /** Starts every function. */
  async start(onChange: (status: ReplicaStatus) => void): Promise<void> {
    const { plan, servers } = this.prepared();
    this.node = await WorkloadNode.open({
      directory: this.options.directory.path,
      env: { ...natsVariables(servers.nats), KFLOW_BASE_DIR: this.options.baseDir },
      defaults: { KFLOW_LOG_FORMAT: 'text' },
      isOfOneFlow: true,
    });
    this.node.apply(plan, this.manifests());
    await this.serveMetrics(this.node);
    this.replicasSeen = new LocalReplicas(this.node, plan, this.topology.mode, onChange);
  }

  replicas(): readonly ReplicaStatus[] {
    return this.replicasSeen?.statuses() ?? [];
  }

  /** Replicas that failed and are not restarted. */
  failures(): readonly ReplicaStatus[] {
    return this.replicas().filter(({ phase }) => phase === 'failed');
  }

  /** Whether every replica of every Job has succeeded. */
  isComplete(): boolean {
    const jobs = this.prepared().plan.workloads.filter((workload) => workload.kind === 'job');
    const names = new Set(jobs.map((job) => job.function));
    const replicas = this.replicas().filter((replica) => names.has(replica.function));
    return jobs.length > 0 && replicas.every((replica) => replica.phase === 'succeeded');
  }

  async progress(): Promise<FunctionCounts[]> {
    const { counting } = this;
    return counting === undefined ? [] : counting.read(this.replicas());
  }

  /** The sources of a completed batch that have emitted nothing. */
  emptySources(functions: readonly FunctionCounts[]): readonly EmptySource[] {
    const own = functions.filter(({ function: id }) => !this.endedBefore.includes(id));
    return findEmptySources(this.prepared().plan, own);
  }

  /** The dead letters of this run. */
  async *letters(): AsyncIterable<StoredLetter> {
    const { connection } = this;
    if (connection === undefined) return;
    const { plan } = this.prepared();
    const manager = await managerOf(connection);
    yield* readLetters(connection, {
      stream: deadLetterStream(plan),
      after: await lettersBefore(manager, plan.stateBucket),
    });
  }

  async markCompleted(): Promise<void> {
    await this.streams?.markCompleted(this.prepared().plan);
  }

  /**
   * Groups of functions to stop one after the other, with a drain after each: the sources, then each function that may send
   * an aggregate as it ends, after those before it in the dag.
   */
  stopOrder(): readonly (readonly string[])[] {
    const { dag } = this.topology;
    const sources = dag.filter((fn) => kindOf(fn.type) === 'source').map((fn) => fn.id);
    const aggregates = inTopologicalOrder(this.topology).filter(
      (fn) => kindOf(fn.type) === 'process' && mayAggregate(fn),
    );
    return [sources, ...aggregates.map((fn) => [fn.id])];
  }

  /** Stops these functions, of those that run; resolves when none of their replicas runs. */
  async stopFunctions(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.stopped.add(id);
    const others = this.manifests().filter(
      ({ metadata }) => !this.stopped.has(metadata.labels?.['kflow.io/function'] ?? ''),
    );
    this.node?.prune(this.prepared().plan, others, false);
    await this.replicasSeen?.gone(ids);
  }

  /** Makes sinks in bulk mode write the bulks that wait. */
  async flushBulks(): Promise<void> {
    await this.streams?.flushBulks(this.prepared().plan);
  }

  async stop(): Promise<void> {
    await this.node?.close();
  }

  /** Replicas that were asked to end and ended with an error: they left something undone. */
  failedStops(): readonly FailedStop[] {
    return this.node?.failedStops(this.prepared().plan) ?? [];
  }

  /** Copies a bucket into a directory and returns the number of objects. */
  save(map: DirectoryMap): Promise<number> {
    return this.localBuckets().save(map);
  }

  /** Writes what is left of the recorded edges, and returns the number of records of each. */
  async endRecording(): Promise<readonly (RecordedEdge & { readonly records: number })[]> {
    const recorders = this.recorders;
    this.recorders = [];
    return Promise.all(recorders.map(async (each) => ({ ...each.edge, records: await each.end() })));
  }

  /** The buckets of sinks, with the number of their objects. */
  results(): Promise<{ bucket: string; objects: number }[]> {
    return this.localBuckets().results();
  }

  /** The indices of the embedded search server, with the number of their documents. */
  async indices(): Promise<{ index: string; documents: number }[]> {
    const { replaced } = this.prepared().servers;
    const { search } = replaced ?? {};
    if (replaced === undefined || search === undefined) return [];
    const count = async (index: string) => ({ index, documents: await countDocuments(search.endpoint, index) });
    return Promise.all(indicesOf(this.topology, replaced).map(count));
  }

  /** Ends all processes and servers; unless `isKept`, also removes the flow's streams, state and stored messages. */
  async close(isKept: boolean): Promise<void> {
    try {
      await this.stop();
      this.replicasSeen?.close();
      await this.metrics?.close();
      await this.steps?.close();
      for (const recorder of this.recorders) recorder.close();
      if (!isKept && !this.options.isEmbedded) await this.remove();
    } finally {
      // an open connection keeps the process alive
      await this.connection?.close();
      await this.servers?.stop();
      if (!isKept) this.options.directory.removeData();
    }
  }

  private async serveMetrics(node: WorkloadNode): Promise<void> {
    const http = this.prepared().plan.workloads.find((workload) => workload.http.metrics)?.http;
    if (http === undefined) return;
    this.metrics = await MetricsServer.open(http.port, () => node.metrics());
    const { url, port } = this.metrics;
    this.options.say(`metrics       ${url}${port === http.port ? '' : ` (port ${http.port} is not free)`}`);
  }

  private async openSteps(plan: FlowPlan): Promise<void> {
    const { LocalSteps } = await import('./local-steps.js'); // other runs need no HTTP server
    const { servers } = this.options.directory;
    const file = path.relative('', path.join(servers, 's3', 'credentials.json'));
    const credentials = this.options.isEmbedded ? file : undefined;
    this.steps = await LocalSteps.open(plan, { buckets: this.buckets(), credentials });
  }

  private manifests(): readonly KubernetesObject[] {
    const { plan, servers } = this.prepared();
    // local processes ignore the image
    return renderWorkloads(plan, { image: 'kflow', natsUrl: servers.nats.url });
  }

  private async remove(): Promise<void> {
    if (this.streams === undefined || this.plan === undefined) return;
    await this.streams.remove(this.plan);
    await this.buckets(this.node === undefined ? { retryForMs: 0 } : {}).purge(this.plan);
  }

  /** By default, a store may be away for as long as `S3ObjectStore` waits: the timeout of the command is that of its flow. */
  private buckets(options: { readonly retryForMs?: number } = {}): S3Buckets {
    return new S3Buckets({ makesSources: this.options.isEmbedded, sharesEnvironment: true, ...options });
  }

  private localBuckets(): LocalBuckets {
    return new LocalBuckets(this.prepared().plan, this.options.say, this.awayMs);
  }

  private prepared(): { plan: FlowPlan; servers: LocalServers } {
    const { plan, servers } = this;
    if (plan === undefined || servers === undefined) throw new StateError('state-invalid', 'the flow is not prepared');
    return { plan, servers };
  }
}

/** Whether the code may have a finish: a module is not read. */
function mayAggregate({ meta }: FlowFunction): boolean {
  return meta.module !== undefined || /\b(finish|close)\b/.test(meta.code ?? '');
}

/** Throws ConfigError for the first variable whose value exists only in a cluster. */
function assertVariablesKnown(plan: FlowPlan): void {
  const secrets = new Map(plan.secrets.map((secret) => [secret.name, secret.entries]));
  for (const { function: functionId, secretEnv, container } of plan.workloads) {
    for (const { name, secret, key } of secretEnv) {
      if (secrets.get(secret)?.[key] !== undefined) continue;
      throw new ConfigError(
        'config-invalid',
        `${functionId}: ${name} comes from the key ${key} of the Secret ${secret}, which exists only in a cluster; set user and password`,
      );
    }
    for (const { configMapRef, secretRef } of container.envFrom) {
      const { name, optional } = (configMapRef ?? secretRef) as { name: string; optional?: boolean };
      if (optional === true) continue;
      throw new ConfigError(
        'config-invalid',
        `${functionId}: envFrom takes variables from "${name}", which exists only in a cluster; set them with --set dag.${functionId}.meta.container.env, and envFrom to [] where the document has it`,
      );
    }
    for (const { name, valueFrom } of container.env) {
      if (valueFrom === undefined) continue;
      throw new ConfigError(
        'config-invalid',
        `${functionId}: ${name} comes from a cluster (valueFrom); set the variable with --set dag.${functionId}.meta.container.env`,
      );
    }
  }
}
