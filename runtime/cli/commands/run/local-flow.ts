import type { NatsConnection } from 'nats';
import { renderWorkloads } from '../../../../lib/constructs/controlled-flow';
import { ConfigError, StateError } from '../../../../lib/errors';
import type { FlowPlan, PlannedBucket } from '../../../../lib/plan/flow-plan';
import { planFlow } from '../../../../lib/plan/plan-flow';
import type { Topology } from '../../../../lib/topology/document/topology';
import { kindOf } from '../../../../lib/topology/function-types/function-type';
import { connectNats } from '../../../adapters/jetstream/connection';
import { JetStreamStreams } from '../../../adapters/jetstream/jetstream-streams';
import { WorkloadNode } from '../../../adapters/processes/workload-node';
import { saveBucket, uploadDirectory } from '../../../adapters/s3/directory-transfer';
import { S3ObjectStore } from '../../../adapters/s3/object-store';
import { S3Buckets } from '../../../adapters/s3/s3-buckets';
import type { KubernetesObject } from '../../../controller/ports/kubernetes-object';
import { usageError } from '../../frame/exit-status';
import { counted } from '../../render/measures';
import { assertVariablesKnown } from './assert-variables-known';
import type { DirectoryMap } from './directory-map';
import { FlowProgress, type FunctionCounts } from './flow-progress';
import { LocalReplicas, type ReplicaStatus } from './local-replicas';
import { type LocalFlowOptions, type LocalServers, startLocalServers } from './local-servers';

/** Time for a replica to finish the records that it holds. */
const graceMs = 27_000;

/** A flow on this machine: its servers, streams, buckets and processes. */
export class LocalFlow {
  private servers: LocalServers | undefined;
  private connection: NatsConnection | undefined;
  private node: WorkloadNode | undefined;
  private replicasSeen: LocalReplicas | undefined;
  private streams: JetStreamStreams | undefined;
  private counting: FlowProgress | undefined;
  private plan: FlowPlan | undefined;
  private readonly buckets: S3Buckets;

  constructor(
    private readonly topology: Topology,
    private readonly options: LocalFlowOptions,
  ) {
    this.buckets = new S3Buckets({ makesSources: options.isEmbedded });
  }

  /**
   * Starts the servers, creates streams and buckets, and fills the buckets; no function runs yet. Throws ConfigError when
   * the value of a variable exists only in a cluster.
   */
  async prepare(fill: readonly DirectoryMap[], save: readonly DirectoryMap[]): Promise<void> {
    const { topology, options } = this;
    this.servers = await startLocalServers(topology, options);
    // a pause in the document is ignored: nothing could resume a function of this run
    const planned = planFlow(topology, this.servers.planSettings);
    this.plan = { ...planned, workloads: planned.workloads.map((workload) => ({ ...workload, isPaused: false })) };
    assertVariablesKnown(this.plan);
    this.assertBucketsKnown('--bucket', fill);
    this.assertBucketsKnown('--save', save);
    this.connection = await connectNats(this.servers.natsUrl, `kflow run ${topology.jobId}`);
    this.streams = await JetStreamStreams.open(this.connection);
    await this.streams.provision(this.plan);
    await this.streams.beginRun(this.plan);
    await this.buckets.ensure(this.plan);
    await this.fill(fill);
    this.counting = await FlowProgress.open(this.connection, this.plan);
  }

  /** Starts every function. */
  async start(onChange: (status: ReplicaStatus) => void): Promise<void> {
    const { plan, servers } = this.prepared();
    this.node = await WorkloadNode.open({
      directory: this.options.directory.path,
      env: { KFLOW_NATS_URL: servers.natsUrl, KFLOW_BASE_DIR: this.options.baseDir, KFLOW_LOG_FORMAT: 'text' },
      isOfOneFlow: true,
    });
    this.node.apply(plan, this.manifests());
    this.replicasSeen = new LocalReplicas(this.node, plan, onChange);
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

  async markCompleted(): Promise<void> {
    await this.streams?.markCompleted(this.prepared().plan);
  }

  /** Stops the sources; resolves when none runs. */
  async stopSources(): Promise<void> {
    const sources = this.topology.dag.filter((fn) => kindOf(fn.type) === 'source').map((fn) => fn.id);
    const others = this.manifests().filter(
      ({ metadata }) => !sources.includes(metadata.labels?.['kflow.io/function'] ?? ''),
    );
    this.node?.prune(this.prepared().plan, others, false);
    await this.replicasSeen?.gone(sources);
  }

  async stop(): Promise<void> {
    await this.node?.close(graceMs);
  }

  async save(bucket: string, directory: string): Promise<number> {
    const planned = this.bucketNamed('--save', bucket);
    const { objects, skipped } = await saveBucket(this.storeOf(planned), { bucket, directory });
    for (const reason of skipped) this.options.say(`skipped: ${reason}`);
    return objects;
  }

  /** The buckets of sinks, with the number of their objects. */
  async results(): Promise<{ bucket: string; objects: number }[]> {
    const sinks = new Map(
      this.prepared()
        .plan.buckets.filter(({ role }) => role === 'sink')
        .map((sink) => [sink.bucket, sink]),
    );
    return Promise.all(
      [...sinks.values()].map(async (sink) => {
        let objects = 0;
        for await (const _ of this.storeOf(sink).list(sink.bucket, sink.prefix)) objects++;
        return { bucket: sink.bucket, objects };
      }),
    );
  }

  /** Ends all processes and servers; unless `isKept`, also removes the flow's streams, state and stored messages. */
  async close(isKept: boolean): Promise<void> {
    await this.stop();
    this.replicasSeen?.close();
    if (!isKept && !this.options.isEmbedded) await this.remove();
    await this.connection?.close();
    await this.servers?.stop();
    if (!isKept) this.options.directory.removeData();
  }

  private manifests(): readonly KubernetesObject[] {
    const { plan, servers } = this.prepared();
    // processes do not use the image
    return renderWorkloads(plan, { image: 'kflow', natsUrl: servers.natsUrl });
  }

  private async remove(): Promise<void> {
    if (this.streams === undefined || this.plan === undefined) return;
    await this.streams.remove(this.plan);
    await this.buckets.purge(this.plan);
  }

  private async fill(maps: readonly DirectoryMap[]): Promise<void> {
    for (const { bucket, directory } of maps) {
      const { objects, skipped } = await uploadDirectory(this.storeOf(this.bucketNamed('--bucket', bucket)), {
        bucket,
        directory,
      });
      for (const reason of skipped) this.options.say(`skipped for the bucket ${bucket}: ${reason}`);
      this.options.say(`bucket ${bucket}: copied ${counted(objects, 'object')} from ${directory}`);
    }
  }

  private storeOf({ addr, secret }: PlannedBucket): S3ObjectStore {
    const { user, password } = this.prepared().plan.secrets.find(({ name }) => name === secret)?.entries ?? {};
    if (user === undefined || password === undefined) {
      throw new ConfigError(
        'config-invalid',
        `${addr}: the Secret ${secret} exists only in a cluster; set user and password`,
      );
    }
    return new S3ObjectStore({ addr, user, password });
  }

  private assertBucketsKnown(option: string, maps: readonly DirectoryMap[]): void {
    for (const { bucket } of maps) this.bucketNamed(option, bucket);
  }

  private bucketNamed(option: string, name: string): PlannedBucket {
    const { buckets } = this.prepared().plan;
    const found = buckets.find(({ bucket }) => bucket === name);
    if (found !== undefined) return found;
    const known = [...new Set(buckets.map(({ bucket }) => bucket))].join(', ');
    throw usageError(`${option} ${name}: the topology has no such bucket; its buckets: ${known || 'none'}`);
  }

  private prepared(): { plan: FlowPlan; servers: LocalServers } {
    const { plan, servers } = this;
    if (plan === undefined || servers === undefined) throw new StateError('state-invalid', 'the flow is not prepared');
    return { plan, servers };
  }
}
