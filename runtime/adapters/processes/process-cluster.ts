import { type FlowKey, flowName } from '../../api-contract/flow-key';
import type { Cluster, ClusterWatch, LogOptions, ReplicaRef, WorkloadState } from '../../controller/ports/cluster';
import type { KubernetesObject, ObjectRef } from '../../controller/ports/kubernetes-object';
import { NodeConnection } from './node-connection';

/**
 * A cluster on this machine: the node that `startProcessNode` runs, in this process or in another one. While the node is
 * unavailable, every call is retried for about 10 s and then throws StoreError `server-failed`.
 */
export class ProcessCluster implements Cluster {
  private readonly node: NodeConnection;
  private readonly watches = new Set<ClusterWatch>();

  constructor(socketPath: string) {
    this.node = new NodeConnection(socketPath);
  }

  async apply(flow: FlowKey, objects: readonly KubernetesObject[]): Promise<void> {
    await this.node.request({ method: 'PUT', path: pathOf(flow, 'objects'), body: { objects } });
  }

  async prune(flow: FlowKey, keep: readonly ObjectRef[], options: { readonly now?: boolean } = {}): Promise<void> {
    const refs = keep.map(({ apiVersion, kind, metadata: { name, namespace } }) => ({
      apiVersion,
      kind,
      metadata: { name, namespace },
    }));
    const body = { keep: refs, now: options.now === true };
    await this.node.request({ method: 'POST', path: pathOf(flow, 'prune'), body });
  }

  async workloads(flow: FlowKey): Promise<readonly WorkloadState[]> {
    return this.node.request({ method: 'GET', path: pathOf(flow, 'workloads') });
  }

  async watch(onChange: (flow: FlowKey) => void): Promise<ClusterWatch> {
    const stop = new AbortController();
    const first = await this.node.lines('/watch', stop.signal);
    const ended = this.follow(first, onChange, stop.signal);
    const watch = {
      close: async () => {
        stop.abort();
        this.watches.delete(watch);
        await ended;
      },
    };
    this.watches.add(watch);
    return watch;
  }

  async metrics(): Promise<string> {
    const { text } = await this.node.request<{ readonly text: string }>({ method: 'GET', path: '/metrics' });
    return text;
  }

  async *logs(replica: ReplicaRef, options: LogOptions = {}): AsyncGenerator<string> {
    const query = new URLSearchParams({
      function: replica.function,
      ...(replica.replica === undefined ? {} : { replica: replica.replica }),
      ...(options.follow === true ? { follow: 'true' } : {}),
      ...(options.tailLines === undefined ? {} : { tailLines: String(options.tailLines) }),
    });
    const done = new AbortController();
    const signal = options.signal === undefined ? done.signal : AbortSignal.any([options.signal, done.signal]);
    try {
      yield* await this.node.lines(`${pathOf(replica, 'logs')}?${query}`, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      done.abort();
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.watches].map((watch) => watch.close()));
  }

  /** Reads the watch until the signal, and reopens the watch whenever it ends. */
  private async follow(
    first: AsyncIterable<string>,
    onChange: (flow: FlowKey) => void,
    signal: AbortSignal,
  ): Promise<void> {
    let known = new Map<string, FlowKey>();
    let lines: AsyncIterable<string> | undefined = first;
    while (lines !== undefined) {
      let isFirst = true;
      for await (const line of lines) {
        const flows = new Map((JSON.parse(line) as FlowKey[]).map((flow) => [flowName(flow), flow]));
        // flows that disappeared while the node was unavailable are reported too
        const changed = isFirst ? new Map([...known, ...flows]) : flows;
        known = isFirst ? flows : new Map([...known, ...flows]);
        isFirst = false;
        for (const flow of changed.values()) if (!signal.aborted) onChange(flow);
      }
      lines = await this.node.linesUntilAborted('/watch', signal);
    }
  }
}

function pathOf({ namespace, jobId }: FlowKey, what: string): string {
  return `/flows/${namespace}/${jobId}/${what}`;
}
