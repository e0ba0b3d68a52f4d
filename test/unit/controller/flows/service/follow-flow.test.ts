import { MemoryCluster } from '../../../../../bench/memory-cluster';
import type { LogLine } from '../../../../../runtime/api-contract/flow-history';
import type { FlowStatus } from '../../../../../runtime/api-contract/flow-status';
import { followLogs, followStatus } from '../../../../../runtime/controller/flows/service/follow-flow';
import type { LogOptions, ReplicaRef, WorkloadState } from '../../../../../runtime/controller/ports/cluster';
import { planIn, readyWorkloads } from '../../flow-states';

const flow = { namespace: 'default', jobId: 'job' };

describe('a status that is followed', () => {
  beforeEach(() => jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] }));
  afterEach(() => jest.useRealTimers());

  /** Follows statuses that are read one after the other; the last one stays. */
  function follow(statuses: readonly Partial<FlowStatus>[], signal = new AbortController().signal) {
    const seen: string[] = [];
    let reads = 0;
    const read = async () => statuses[Math.min(reads++, statuses.length - 1)] as FlowStatus;
    const following = (async () => {
      for await (const { status } of followStatus(read, signal)) seen.push(status);
    })();
    return { seen, following };
  }

  const running = { status: 'Running', closeTime: null } as const;

  test('is sent at the start and after each change, until the flow is closed', async () => {
    const paused = { status: 'Paused', closeTime: null } as const;
    const stopped = { status: 'Stopped', closeTime: '2026-01-01T00:00:00.000Z' } as const;
    const { seen, following } = follow([running, running, paused, paused, paused, stopped, running]);
    await jest.advanceTimersByTimeAsync(10_000);
    await following;
    expect(seen).toEqual(['Running', 'Paused', 'Stopped']);
  });

  test('ends when the signal is aborted', async () => {
    const abort = new AbortController();
    const { seen, following } = follow([running], abort.signal);
    await jest.advanceTimersByTimeAsync(2_000);
    abort.abort();
    await following;
    expect(seen).toEqual(['Running']);
  });
});

/** A cluster whose replicas write their name and then a second line, the first replica last. */
class LoggingCluster extends MemoryCluster {
  readonly options: LogOptions[] = [];

  override async workloads(): Promise<readonly WorkloadState[]> {
    return readyWorkloads(planIn('stream'));
  }

  override async *logs({ replica }: ReplicaRef, options: LogOptions = {}): AsyncIterable<string> {
    this.options.push(options);
    yield `${replica} starts`;
    if (replica === 'list-0') await new Promise((resolve) => setTimeout(resolve, 20));
    yield `${replica} ends`;
  }
}

async function linesOf(cluster: LoggingCluster, query: Partial<Parameters<typeof followLogs>[2]>): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  const { signal } = new AbortController();
  for await (const line of followLogs(cluster, flow, { follow: false, ...query }, signal)) lines.push(line);
  return lines;
}

describe('logs', () => {
  test('are read one replica after the other', async () => {
    const cluster = new LoggingCluster();
    expect((await linesOf(cluster, { tail: 7 })).map(({ line }) => line)).toEqual(
      ['list-0', 'map-0', 'map-1', 'sink-0'].flatMap((name) => [`${name} starts`, `${name} ends`]),
    );
    expect(cluster.options.map(({ tailLines, follow }) => [tailLines, follow])).toEqual(Array(4).fill([7, false]));
  });

  test('of one function or one replica contain no other lines', async () => {
    const cluster = new LoggingCluster();
    const replicasOf = async (query: Parameters<typeof linesOf>[1]) => [
      ...new Set((await linesOf(cluster, query)).map(({ function: id, replica }) => `${id}/${replica}`)),
    ];
    expect(await replicasOf({ function: 'map' })).toEqual(['map/map-0', 'map/map-1']);
    expect(await replicasOf({ replica: 'map-1' })).toEqual(['map/map-1']);
    expect(await replicasOf({ function: 'list', replica: 'map-1' })).toEqual([]);
  });

  test('that are followed arrive as they are written', async () => {
    const lines = (await linesOf(new LoggingCluster(), { follow: true })).map(({ line }) => line);
    expect(lines).toHaveLength(8);
    expect(lines.at(-1)).toBe('list-0 ends');
  });
});
