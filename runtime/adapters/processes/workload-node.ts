import { existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { type FlowKey, flowName } from '../../api-contract/flow-key';
import type { LogOptions, ReplicaRef, WorkloadState } from '../../controller/ports/cluster';
import type { KubernetesObject, ObjectRef } from '../../controller/ports/kubernetes-object';
import { type AskedWorkload, canonical, readWorkload } from './asked-workload';
import { waitForEarlierProcesses } from './earlier-processes';
import { jobRecordSchema } from './job-record';
import { type KeptObject, KeptObjects, keyOf, parseObject } from './kept-objects';
import { readLog } from './replica-log';
import { ReplicaLogs } from './replica-logs';
import { pidFileName } from './replica-process';
import { type RunningReplica, WorkloadRunner } from './workload-runner';

export interface WorkloadNodeProps {
  /** Everything that is kept is below it. */
  readonly directory: string;
  /** Variables of every replica, which win over those of the manifests. */
  readonly env: { readonly [name: string]: string };
  /** JavaScript that every replica runs; left out, the runtime. */
  readonly program?: string;
  /** Logs are `<directory>/logs/<replica>.log`; left out, they are in a folder for each flow. */
  readonly isOfOneFlow?: true;
}

/**
 * Runs flows' workloads as processes of this machine, by their Kubernetes manifests. Images are not looked at: every
 * replica is the runtime. Objects that ask for no process are kept, and do nothing.
 *
 * I1. What was applied is on disk before a process follows from it: a node that is opened on the same directory goes on.
 * I2. No process outlives the node.
 */
export class WorkloadNode {
  private readonly objects: KeptObjects;
  private readonly logs: ReplicaLogs;
  private readonly runners = new Map<string, WorkloadRunner>();
  private readonly listeners = new Set<(flow: FlowKey) => void>();

  /** Starts what the directory asks for. Throws ConfigError when a file of it cannot be read. */
  static async open(props: WorkloadNodeProps): Promise<WorkloadNode> {
    await waitForEarlierProcesses(pidFilesBelow(path.join(props.directory, 'replicas')));
    return new WorkloadNode(props);
  }

  private constructor(private readonly props: WorkloadNodeProps) {
    const { directory, isOfOneFlow } = props;
    this.objects = new KeptObjects(path.join(directory, 'objects'));
    this.logs = new ReplicaLogs(path.join(directory, 'logs'), isOfOneFlow === true);
    rmSync(path.join(directory, 'replicas'), { recursive: true, force: true });
    for (const object of this.objects.all()) this.run(object, readWorkload(object));
    this.logs.removeOthers(this.flows());
  }

  /**
   * Makes objects what the manifests say, all or, when one is wrong, none: that is a ConfigError. A Job of another
   * template is another Job, whose replicas start when those of the old one are gone.
   */
  apply(flow: FlowKey, manifests: readonly KubernetesObject[]): void {
    const asked = manifests.map((manifest) => {
      const object = parseObject(inNamespace(flow, manifest));
      return { object, workload: readWorkload(object) };
    });
    // a replica that starts finds what it reads
    for (const { object, workload } of asked) if (workload === undefined) this.keep(object, workload);
    for (const { object, workload } of asked) if (workload !== undefined) this.keep(object, workload);
  }

  /** Removes every object of the flow but those named. Replicas have their grace time unless `isNow`. */
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

  /** Every replica of a flow, those too that are ending or, of a Job, have ended for good. */
  replicas(flow: FlowKey): readonly RunningReplica[] {
    return this.runnersOf(flow).flatMap(([, runner]) => runner.replicas());
  }

  /** Those that have workloads, or replicas that are ending. */
  flows(): readonly FlowKey[] {
    const flows = [...this.runners.values()].map(({ workload }) => workload.flow);
    return [...new Map(flows.map((flow) => [flowName(flow), flow])).values()];
  }

  /** Tells of every change of a flow's workloads, until the function it gives is called. */
  onChange(listener: (flow: FlowKey) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Names of the replicas that are meant: those there are, else those that have left a log. */
  named(ref: ReplicaRef): readonly string[] {
    const there = this.replicas(ref).filter(({ workload }) => workload.function === ref.function);
    const names = there.map(({ state }) => state.name);
    const logged = this.logs.replicasOf(ref, ref.function);
    if (ref.replica !== undefined) return [...new Set([...names, ...logged])].filter((name) => name === ref.replica);
    return names.length > 0 ? names : logged;
  }

  /** The lines of one replica's log; followed, until the replica is gone. */
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

  /** Ends every replica within its grace time, or `atMostMs`; what was applied is kept. */
  async close(atMostMs?: number): Promise<void> {
    await Promise.all([...this.runners.values()].map((runner) => runner.stop(atMostMs)));
  }

  private keep(object: KeptObject, workload: AskedWorkload | undefined): void {
    const before = this.objects.find(keyOf(object));
    const isContinued = before !== undefined && readWorkload(before)?.templateDigest === workload?.templateDigest;
    const kept = isContinued && 'status' in before ? { ...object, status: before.status } : object;
    if (before !== undefined && canonical(kept) === canonical(before)) return;
    this.objects.put(kept);
    this.run(kept, workload);
  }

  private run(object: KeptObject, workload: AskedWorkload | undefined): void {
    if (workload === undefined) return;
    const key = keyOf(object);
    const runner = this.runners.get(key);
    if (runner === undefined) this.runners.set(key, this.start(key, workload));
    else runner.ask(workload);
    this.tell(workload.flow);
  }

  private start(key: string, workload: AskedWorkload): WorkloadRunner {
    const object = () => this.objects.find(key);
    const runner: WorkloadRunner = new WorkloadRunner(workload, {
      objects: this.objects,
      folder: this.folderOf(key),
      logFile: (replica) => this.logFile(workload.flow, replica),
      program: this.props.program ?? path.join(__dirname, '../../replica/main.js'),
      env: this.props.env,
      record: () => jobRecordSchema.parse(object()?.status ?? {}),
      keepRecord: (status) => this.objects.put({ ...(object() as KeptObject), status }),
      onChange: () => this.changed(key, runner),
    });
    return runner;
  }

  private changed(key: string, runner: WorkloadRunner): void {
    if (runner.isGone && this.objects.find(key) === undefined) {
      this.runners.delete(key);
      rmSync(this.folderOf(key), { recursive: true, force: true });
    }
    this.tell(runner.workload.flow);
  }

  private tell(flow: FlowKey): void {
    for (const listener of this.listeners) listener(flow);
  }

  private runnersOf(flow: FlowKey): [string, WorkloadRunner][] {
    return [...this.runners].filter(([, { workload }]) => flowName(workload.flow) === flowName(flow));
  }

  private folderOf(key: string): string {
    return path.join(this.props.directory, 'replicas', key);
  }
}

function isOfFlow({ metadata: { namespace, labels } }: KeptObject, flow: FlowKey): boolean {
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
