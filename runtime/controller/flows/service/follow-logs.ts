import type { LogLine, LogQuery } from '../../../api-contract/flow-history';
import type { FlowKey } from '../../../api-contract/flow-key';
import type { Cluster, LogOptions } from '../../ports/cluster';

/** Lines of a flow's replicas: one after the other, or as they come with `follow`. */
export async function* followLogs(
  cluster: Cluster,
  flow: FlowKey,
  query: LogQuery,
  signal: AbortSignal,
): AsyncIterable<LogLine> {
  const workloads = await cluster.workloads(flow);
  const concerned = workloads.filter(({ function: id }) => query.function === undefined || id === query.function);
  const options = { signal, follow: query.follow, ...(query.tail === undefined ? {} : { tailLines: query.tail }) };
  const sources = concerned.flatMap(({ function: id, replicas }) =>
    replicas
      .filter(({ name }) => query.replica === undefined || name === query.replica)
      .map(({ name }) => linesOf(cluster, { ...flow, function: id, replica: name }, options)),
  );
  if (query.follow) yield* together(sources);
  else for (const source of sources) yield* source;
}

async function* linesOf(
  cluster: Cluster,
  replica: FlowKey & { readonly function: string; readonly replica: string },
  options: LogOptions,
): AsyncIterable<LogLine> {
  for await (const line of cluster.logs(replica, options)) {
    yield { function: replica.function, replica: replica.replica, line };
  }
}

/** What any of them gives, as it comes. */
async function* together(sources: readonly AsyncIterable<LogLine>[]): AsyncIterable<LogLine> {
  const iterators = new Map(sources.map((source, index) => [index, source[Symbol.asyncIterator]()]));
  const next = async (index: number) => ({ index, result: await iterators.get(index)?.next() });
  const waiting = new Map([...iterators.keys()].map((index) => [index, next(index)]));
  try {
    while (waiting.size > 0) {
      const { index, result } = await Promise.race(waiting.values());
      if (result === undefined || result.done) {
        waiting.delete(index);
        continue;
      }
      waiting.set(index, next(index));
      yield result.value;
    }
  } finally {
    for (const iterator of iterators.values()) void iterator.return?.();
  }
}
