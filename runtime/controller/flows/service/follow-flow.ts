import type { LogLine, LogQuery } from '../../../api-contract/flow-history';
import type { FlowKey } from '../../../api-contract/flow-key';
import type { FlowStatus } from '../../../api-contract/flow-status';
import { pause } from '../../../async/pause';
import type { Cluster, LogOptions } from '../../ports/cluster';

const pollStatusMs = 500;

/** The current status, then the status after each change, until the flow is closed or the signal is aborted. */
export async function* followStatus(read: () => Promise<FlowStatus>, signal: AbortSignal): AsyncIterable<FlowStatus> {
  let last = '';
  while (!signal.aborted) {
    const status = await read();
    const text = JSON.stringify(status);
    if (text !== last) yield status;
    last = text;
    if (status.closeTime !== null) return;
    await pause(pollStatusMs, signal);
  }
}

/** The log lines of a flow's replicas: one replica after the other, or with `follow` as they are written. */
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
  if (query.follow) yield* merge(sources);
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

/** The items of all sources in the order of their arrival. */
async function* merge(sources: readonly AsyncIterable<LogLine>[]): AsyncIterable<LogLine> {
  const iterators = new Map(sources.map((source, index) => [index, source[Symbol.asyncIterator]()]));
  const next = async (index: number) => ({ index, result: await iterators.get(index)?.next() });
  const pending = new Map([...iterators.keys()].map((index) => [index, next(index)]));
  try {
    while (pending.size > 0) {
      const { index, result } = await Promise.race(pending.values());
      if (result === undefined || result.done) {
        pending.delete(index);
        continue;
      }
      pending.set(index, next(index));
      yield result.value;
    }
  } finally {
    for (const iterator of iterators.values()) void iterator.return?.();
  }
}
