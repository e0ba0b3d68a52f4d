import type { Counters } from '../../../runtime/engine/counters';
import { packageVersion } from '../../../runtime/package-root';
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

test('exports what is in flight, and how often records came again or were not taken', async () => {
  const counters: Counters = { in: 0, out: 0, failed: 0, dead: 0 };
  const metrics = new ReplicaMetrics(spec, counters, { sent: 0, dropped: 0 });
  const links = { inputs: [{ redelivered: 0 }, { redelivered: 0 }], publisher: { refused: 0 } };
  let held = 0;
  metrics.watchLinks(links, async () => new Map());
  metrics.watchInFlight(() => held);
  const values = async () => {
    const lines = await Promise.all(['in_flight_records', 'redeliveries_total', 'refusals_total'].map(of));
    return lines.map((line) => Number(line.split(' ').at(-1)));
  };
  const of = async (name: string) => (await linesOf(metrics, `${name}{`))[0] ?? '';
  expect(await values()).toEqual([0, 0, 0]);
  Object.assign(links.inputs[0] ?? {}, { redelivered: 2 });
  Object.assign(links.inputs[1] ?? {}, { redelivered: 1 });
  links.publisher.refused = 4;
  counters.refused = 5;
  held = 7;
  expect(await values()).toEqual([7, 3, 9]);
});

test('exports the backlog of each input, and the last known one when it cannot be read', async () => {
  const metrics = new ReplicaMetrics(spec, { in: 0, out: 0, failed: 0, dead: 0 }, { sent: 0, dropped: 0 });
  const readings = [
    new Map([
      ['left', 3],
      ['right', 0],
    ]),
  ];
  metrics.watchLinks({ inputs: [], publisher: { refused: 0 } }, async () => {
    const found = readings.pop();
    if (found === undefined) throw new Error('no server');
    return found;
  });
  const expected = [`backlog_records{stream="left",${labels}} 3`, `backlog_records{stream="right",${labels}} 0`];
  expect(await linesOf(metrics, 'backlog_records')).toEqual(expected);
  expect(await linesOf(metrics, 'backlog_records')).toEqual(expected);
});

test('names the version of KFlow', async () => {
  const metrics = new ReplicaMetrics(spec, { in: 0, out: 0, failed: 0, dead: 0 }, { sent: 0, dropped: 0 });
  expect(await linesOf(metrics, 'kflow_build_info')).toEqual([
    `kflow_build_info{version="${packageVersion}",${labels}} 1`,
  ]);
});
