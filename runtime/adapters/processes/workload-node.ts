import { existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { type FlowKey, flowName } from '../../api-contract/flow-key';
import type { LogOptions, ReplicaRef, WorkloadState } from '../../controller/ports/cluster';
import type { KubernetesObject, ObjectRef } from '../../controller/ports/kubernetes-object';
import { joinPages } from '../../metrics-page';
import { canonical, type DesiredWorkload, readWorkload } from './desired-workload';
import { waitForEarlierProcesses } from './earlier-processes';
import { jobRecordSchema } from './job-record';
import { readLog } from './replica-log';
import { ReplicaLogs } from './replica-logs';
import { pidFileName } from './replica-process';
import { keyOf, parseObject, type StoredObject, StoredObjects } from './stored-objects';
import { type FailedStop, type RunningReplica, WorkloadRunner } from './workload-runner';

export interface WorkloadNodeProps {
  /** Holds all stored objects, the folders of replicas, and their logs. */
  readonly directory: string;
  /** Variables of every replica; they override the variables of the manifests. */
  readonly env: { readonly [name: string]: string };
  /** Variables of every replica that neither this process nor the manifest has. */
  readonly defaults?: { readonly [name: string]: string };
  /** JavaScript file that every replica runs; left out, the runtime. */
  readonly program?: string;
  /** Logs are `<directory>/logs/<replica>.log`; left out, each flow has a folder for its logs. */
  readonly isOfOneFlow?: true;
}

/**
 * Runs the workloads of flows, given as Kubernetes manifests, as processes on this machine. Images are ignored: every
 * replica runs the runtime. Objects that are not workloads are only stored.
 *
 * I1. An applied object is on disk before its processes start, so that a node opened on the same directory continues.
 * I2. No process outlives the node.
 */
export class WorkloadNode {
  private readonly objects: StoredObjects;
  private readonly logs: ReplicaLogs;
  private readonly runners = new Map<string, WorkloadRunner>();
  private readonly failed: (FailedStop & { readonly flow: FlowKey })[] = [];
  private readonly listeners = new Set<(flow: FlowKey) => void>();

  /** Starts the workloads that the directory holds. Throws ConfigError when a file in the directory cannot be read. */
  static async open(props: WorkloadNodeProps): Promise<WorkloadNode> {
    await waitForEarlierProcesses(pidFilesBelow(path.join(props.directory, 'replicas')));
    return new WorkloadNode(props);
  }

  private constructor(private readonly props: WorkloadNodeProps) {
    const { directory, isOfOneFlow } = props;
    this.objects = new StoredObjects(path.join(directory, 'objects'));
    this.logs = new ReplicaLogs(path.join(directory, 'logs'), isOfOneFlow === true);
    rmSync(path.join(directory, 'replicas'), { recursive: true, force: true });
    for (const object of this.objects.all()) this.run(object, readWorkload(object));
    this.logs.removeOthers(this.flows());
  }

  /**
   * Applies manifests; throws ConfigError and applies none when one is invalid. A Job with another template is a new Job,
   * whose replicas start when those of the old one have ended.
   */
  apply(flow: FlowKey, manifests: readonly KubernetesObject[]): void {
    const parsed = manifests.map((manifest) => {
      const object = parseObject(inNamespace(flow, manifest));
      return { object, workload: readWorkload(object) };
    });
    // a replica that starts finds the objects that it reads
    for (const { object, workload } of parsed) if (workload === undefined) this.store(object, workload);
    for (const { object, workload } of parsed) if (workload !== undefined) this.store(object, workload);
  }

  /** Removes every object of the flow except those in `keep`. Replicas have their grace time unless `isNow`. */
  prune(flow: FlowKey, keep: readonly ObjectRef[], isNow: boolean): void {
    const kept = new Set(keep.map((ref) => keyOf(inNamespace(flow, ref))));
    for (const object of this.objects.all()) {
      if (isOfFlow(object, flow) && !kept.has(keyOf(object))) this.objects.remove(object);
    }
    for (const [key, runner] of this.runnersOf(flow)) {
      if (this.objects.find(key) !== undefined) continue;
      if (isNow || !runner.isStopped) void runner.stop(isNow ? 0 : undefined);
      this.changed(key, runner);
    }
  }

  workloads(flow: FlowKey): readonly WorkloadState[] {
    return this.runnersOf(flow).map(([, runner]) => runner.state);
  }

  /** Every replica of a flow, including those that are ending and the ended replicas of Jobs. */
  replicas(flow: FlowKey): readonly RunningReplica[] {
    return this.runnersOf(flow).flatMap(([, runner]) => runner.replicas());
  }

  /** The metrics of all replicas that run and export them, as one page in Prometheus' text format. */
  async metrics(): Promise<string> {
    const pages = await Promise.all([...this.runners.values()].map((runner) => runner.metrics()));
    return joinPages(pages.flat());
  }

  /** Replicas of the flow that this node asked to end and that ended with an error. */
  failedStops(flow: FlowKey): readonly FailedStop[] {
    return this.failed.filter((stop) => flowName(stop.flow) === flowName(flow));
  }

  /** Flows with workloads or with replicas that are ending. */
  flows(): readonly FlowKey[] {
    const flows = [...this.runners.values()].map(({ workload }) => workload.flow);
    return [...new Map(flows.map((flow) => [flowName(flow), flow])).values()];
  }

  /** Calls the listener on every change of a flow's workloads; returns a function that unsubscribes the listener. */
  onChange(listener: (flow: FlowKey) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Names of the replicas that the reference selects: the present replicas or, if there are none, those with a log. */
  named(ref: ReplicaRef): readonly string[] {
    const present = this.replicas(ref).filter(({ workload }) => workload.function === ref.function);
    const names = present.map(({ state }) => state.name);
    const logged = this.logs.replicasOf(ref, ref.function);
    if (ref.replica !== undefined) return [...new Set([...names, ...logged])].filter((name) => name === ref.replica);
    return names.length > 0 ? names : logged;
  }

  /** The lines of one replica's log; with `follow`, until the replica has ended. */
  logOf(flow: FlowKey, replica: string, { follow, tailLines, signal }: LogOptions): AsyncIterable<string> {
    const isRunning = () =>
      this.replicas(flow).some(
        ({ state }) => state.name === replica && state.phase !== 'succeeded' && state.phase !== 'failed',
      );
    const isOpen = () => follow === true && signal?.aborted !== true && isRunning();
    return readLog(this.logFile(flow, replica), { isOpen, ...(tailLines === undefined ? {} : { tailLines }) });
  }

  logFile(flow: FlowKey, replica: string): string {
    return this.logs.fileOf(flow, replica);
  }

  /** Ends every replica within its grace time or `atMostMs`; applied objects stay stored. */
  async close(atMostMs?: number): Promise<void> {
    await Promise.all([...this.runners.values()].map((runner) => runner.stop(atMostMs)));
  }

  private store(object: StoredObject, workload: DesiredWorkload | undefined): void {
    const before = this.objects.find(keyOf(object));
    const isContinued = before !== undefined && readWorkload(before)?.templateDigest === workload?.templateDigest;
    const after = isContinued && 'status' in before ? { ...object, status: before.status } : object;
    if (before !== undefined && canonical(after) === canonical(before)) return;
    this.objects.put(after);
    this.run(after, workload);
    if (after.kind !== 'Secret') return;
    for (const [, runner] of this.runners) {
      if (runner.workload.flow.namespace === after.metadata.namespace) runner.refreshSecrets();
    }
  }

  private run(object: StoredObject, workload: DesiredWorkload | undefined): void {
    if (workload === undefined) return;
    const key = keyOf(object);
    const runner = this.runners.get(key);
    if (runner === undefined) this.runners.set(key, this.start(key, workload));
    else runner.update(workload);
    this.notify(workload.flow);
  }

  private start(key: string, workload: DesiredWorkload): WorkloadRunner {
    const object = () => this.objects.find(key);
    const runner: WorkloadRunner = new WorkloadRunner(workload, {
      objects: this.objects,
      folder: this.folderOf(key),
      logFile: (replica) => this.logFile(workload.flow, replica),
      program: this.props.program ?? path.join(__dirname, '../../replica/main.js'),
      env: this.props.env,
      defaults: this.props.defaults ?? {},
      record: () => jobRecordSchema.parse(object()?.status ?? {}),
      saveRecord: (status) => this.objects.put({ ...(object() as StoredObject), status }),
      onChange: () => this.changed(key, runner),
      onFailedStop: (stop) => this.failed.push({ ...stop, flow: workload.flow }),
    });
    return runner;
  }

  private changed(key: string, runner: WorkloadRunner): void {
    if (runner.isGone && this.objects.find(key) === undefined) {
      this.runners.delete(key);
      rmSync(this.folderOf(key), { recursive: true, force: true });
    }
    this.notify(runner.workload.flow);
  }

  private notify(flow: FlowKey): void {
    for (const listener of this.listeners) listener(flow);
  }

  private runnersOf(flow: FlowKey): [string, WorkloadRunner][] {
    return [...this.runners].filter(([, { workload }]) => flowName(workload.flow) === flowName(flow));
  }

  private folderOf(key: string): string {
    return path.join(this.props.directory, 'replicas', key);
  }
}

function isOfFlow({ metadata: { namespace, labels } }: StoredObject, flow: FlowKey): boolean {
  const isOurs = labels?.['app.kubernetes.io/managed-by'] === 'kflow' && labels['kflow.io/job'] === flow.jobId;
  return isOurs && namespace === flow.namespace;
}

function inNamespace<Ref extends ObjectRef>({ namespace }: FlowKey, ref: Ref) {
  return { ...ref, metadata: { ...ref.metadata, namespace: ref.metadata.namespace ?? namespace } };
}

function pidFilesBelow(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return files.filter((file) => path.basename(file) === pidFileName).map((file) => path.join(folder, file));
}
