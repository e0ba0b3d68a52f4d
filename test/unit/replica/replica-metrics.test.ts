import { ReplicaMetrics } from '../../../runtime/replica/replica-metrics';
import { mapSpec } from '../plan/planned';

const spec = mapSpec({ namespace: 'ns', jobId: 'words', function: 'count' });
const labels = 'namespace="ns",flow="words",function="count"';

async function linesOf(metrics: ReplicaMetrics, start: string): Promise<string[]> {
  return (await metrics.text()).split('\n').filter((line) => line.startsWith(start));
}

test('has the names of the specification from the start', async () => {
  const text = await new ReplicaMetrics(spec, { in: 0, out: 0, failed: 0, dead: 0 }, { sent: 0, dropped: 0 }).text();
  const types = [...text.matchAll(/^# TYPE ((?:events|function)_\S+) (\w+)$/gm)].map(([, name, type]) => [name, type]);
  expect(Object.fromEntries(types)).toEqual({
    events_total: 'counter',
    events_emitted_total: 'counter',
    events_failed_total: 'counter',
    events_dead_total: 'counter',
    function_processing_time_ms: 'histogram',
    function_downloading_time_ms: 'histogram',
    function_total_time_ms: 'histogram',
  });
  expect(text).toContain(`function_total_time_ms_count{${labels}} 0\n`);
  expect(text).toMatch(/^process_resident_memory_bytes\{namespace="ns"/m);
});

test('exposes the current counters at each scrape', async () => {
  const counters = { in: 0, out: 0, failed: 0, dead: 0 };
  const metrics = new ReplicaMetrics(spec, counters, { sent: 0, dropped: 0 });
  Object.assign(counters, { in: 7, out: 9, failed: 4, dead: 2 });
  const expected = [`events_total{${labels}} 7`, `events_emitted_total{${labels}} 9`];
  expect(await linesOf(metrics, 'events_')).toEqual([
    ...expected,
    `events_failed_total{${labels}} 4`,
    `events_dead_total{${labels}} 2`,
  ]);
  counters.in = 8;
  expect(await linesOf(metrics, 'events_total')).toEqual([`events_total{${labels}} 8`]);
});

test('counts what a source emits', async () => {
  const source = mapSpec({ ...spec, type: 'raw-source' });
  const metrics = new ReplicaMetrics(source, { in: 0, out: 5, failed: 0, dead: 0 }, { sent: 0, dropped: 0 });
  expect(await linesOf(metrics, 'events_total')).toEqual([`events_total{${labels}} 5`]);
});

test('adds downloading to the total, and counts a record without a file only as processed', async () => {
  const metrics = new ReplicaMetrics(spec, { in: 0, out: 0, failed: 0, dead: 0 }, { sent: 0, dropped: 0 });
  metrics.processed(3);
  metrics.processed(40, 60);
  const sums = (await metrics.text()).split('\n').filter((line) => /_ms_(sum|count)\{/.test(line));
  expect(sums).toEqual([
    `function_processing_time_ms_sum{${labels}} 43`,
    `function_processing_time_ms_count{${labels}} 2`,
    `function_downloading_time_ms_sum{${labels}} 60`,
    `function_downloading_time_ms_count{${labels}} 1`,
    `function_total_time_ms_sum{${labels}} 103`,
    `function_total_time_ms_count{${labels}} 2`,
  ]);
});

test('distinguishes a tenth of a millisecond from ten minutes', async () => {
  const metrics = new ReplicaMetrics(spec, { in: 0, out: 0, failed: 0, dead: 0 }, { sent: 0, dropped: 0 });
  for (const ms of [0.05, 600_000, 600_001]) metrics.processed(ms);
  const counted = (await linesOf(metrics, 'function_processing_time_ms_bucket')).map((line) => {
    const [, bound, count] = /le="([^"]+)".* (\d+)$/.exec(line) ?? [];
    return [bound, Number(count)];
  });
  expect(counted.at(0)).toEqual(['0.1', 1]);
  expect(counted.slice(-2)).toEqual([
    ['600000', 2],
    ['+Inf', 3],
  ]);
});

test('exports the dead letters as they are at each scrape, and the last known ones when they cannot be read', async () => {
  const metrics = new ReplicaMetrics(spec, { in: 0, out: 0, failed: 0, dead: 0 }, { sent: 0, dropped: 0 });
  const levels = [{ dead: 3, redriving: 1, oldestSeconds: 60 }];
  metrics.watchLetters(async () => {
    const found = levels.pop();
    if (found === undefined) throw new Error('no server');
    return found;
  });
  const expected = [
    `dead_letters{${labels}} 3`,
    `dead_letters_redriving{${labels}} 1`,
    `dead_letters_oldest_seconds{${labels}} 60`,
  ];
  expect(await linesOf(metrics, 'dead_letters')).toEqual(expected);
  expect(await linesOf(metrics, 'dead_letters')).toEqual(expected);
});
