import { ConfigError } from '../../../lib/errors';
import { flowName } from '../../api-contract/flow-key';
import type { LogOptions, ReplicaRef } from '../../controller/ports/cluster';
import type { ApiConnection } from './api/api-connection';
import { flowSelector } from './flow-labels';
import type { KubernetesObjects, ObjectMetadata } from './kubernetes-objects';
import { PodLog } from './pod-log';

/** The logs of the replicas of a function. */
export class ReplicaLogs {
  constructor(
    private readonly api: ApiConnection,
    private readonly objects: KubernetesObjects,
  ) {}

  /** The lines of one replica after the other; with `follow`, the lines of all replicas as they arrive. */
  async *lines(replica: ReplicaRef, options: LogOptions): AsyncGenerator<string, void> {
    const pods = await this.podsOf(replica);
    const end = new AbortController();
    const signal = options.signal === undefined ? end.signal : AbortSignal.any([end.signal, options.signal]);
    const logs = pods.map((pod) => new PodLog(this.api, this.objects, pod).lines({ ...options, signal }));
    try {
      if (options.follow) yield* interleave(logs);
      else for (const log of logs) yield* log;
    } finally {
      end.abort();
    }
  }

  private async podsOf({ replica, ...of }: ReplicaRef): Promise<readonly ObjectMetadata[]> {
    const labelSelector = `${flowSelector(of)},kflow.io/function=${of.function}`;
    const pods = await this.objects.listMetadata({ apiVersion: 'v1', kind: 'Pod' }, of.namespace, { labelSelector });
    const selected = pods.filter(({ metadata }) => replica === undefined || metadata.name === replica);
    if (replica === undefined || selected.length > 0) return selected;
    const names = pods.map(({ metadata }) => metadata.name).join(', ');
    const what = `flow ${flowName(of)}: function "${of.function}" has no replica "${replica}"`;
    throw new ConfigError('config-invalid', `${what}; choose one of: ${names || '(none)'}`, {
      where: of.function,
    });
  }
}

async function* interleave(sources: readonly AsyncGenerator<string, void>[]): AsyncGenerator<string, void> {
  const nextOf = async (source: AsyncGenerator<string, void>) => ({ source, result: await source.next() });
  const awaited = new Map(sources.map((source) => [source, nextOf(source)]));
  while (awaited.size > 0) {
    const { source, result } = await Promise.race(awaited.values());
    if (result.done) {
      awaited.delete(source);
      continue;
    }
    awaited.set(source, nextOf(source));
    yield result.value;
  }
}
