import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import { Workplace } from '../support/kflow-cli';
import { waitFor } from '../support/wait-for';

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.remove());

const schema = '{type: record, name: number, fields: [{name: n, type: long}]}';

/** Numbers that pass a Python and a TypeScript function, each of which says so for each record. */
const document = `
jobId: told
mode: batch
dag:
  - id: numbers
    type: raw-source
    schema: ${schema}
    meta: {language: javascript, name: numbers, code: "function* numbers() { for (let n = 0; n < 40; n++) yield { n }; }"}
    out: [snake]
  - id: snake
    type: raw
    parallelism: 2
    schema: ${schema}
    meta:
      name: process
      code: |
        async def process(ctx, event):
            await asyncio.sleep(0)
            print("snake", event["n"], ctx.trace_parent)
            return event
    out: [script]
  - id: script
    type: raw
    meta: {language: typescript, name: run, code: "export function run(ctx, event) { console.log('script', event.n, ctx.traceParent); }"}
`;

interface Line {
  readonly level: string;
  readonly time: string;
  readonly msg: string;
  readonly flow: string;
  readonly function?: string;
  readonly replica?: string;
  readonly record?: string;
  readonly trace_id?: string;
}

function linesOf(text: string): Line[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

test('every line of a run and of its replicas is JSON that names the flow, the function, the replica and the record', async () => {
  process.env.KFLOW_LOG_FORMAT = 'json';
  try {
    const run = place.kflow('run', place.write('told.yaml', document));
    expect({ status: await run.exited, stderr: run.stderr }).toMatchObject({ status: 0 });
    expect(new Set(linesOf(run.stderr + run.stdout).map(({ flow }) => flow))).toEqual(new Set(['default/told']));
    const summary = linesOf(run.stdout).map((line) => ({ ...line, time: '' }));
    const counted = { level: 'INFO', time: '', flow: 'default/told', msg: 'summary', failed: 0, dead: 0, restarts: 0 };
    expect(summary).toMatchObject([
      { ...counted, function: 'numbers', out: 40 },
      { ...counted, function: 'snake', in: 40, out: 40 },
      { ...counted, function: 'script', in: 40 },
    ]);
  } finally {
    delete process.env.KFLOW_LOG_FORMAT;
  }
  const told = (id: string, replica: number) => {
    const lines = linesOf(place.read(path.join('.kflow/told/logs', `${id}-${replica}.log`)));
    const origins = lines.map((line) => [line.flow, line.function, line.replica].join(' '));
    expect(new Set(origins)).toEqual(new Set([`default/told ${id} ${id}-${replica}`]));
    return lines.filter(({ msg }) => msg.startsWith(`${id} `));
  };
  const snake = [...told('snake', 0), ...told('snake', 1)];
  const script = told('script', 0);
  for (const lines of [snake, script]) {
    expect(lines).toHaveLength(40);
    const records = lines.map(({ record }) => record ?? '');
    expect(new Set(records).size).toBe(40);
    expect(records.filter((record) => !/^\S+:\d+$/.test(record))).toEqual([]);
  }
  // the functions, and the lines about a record, agree on its trace
  const traceOf = ({ msg }: Line) => [Number(msg.split(' ')[1]), msg.split(' ')[2]?.split('-')[1]] as const;
  const traces = new Map(snake.map(traceOf));
  expect(new Set(traces.values()).size).toBe(40);
  expect(new Map(script.map(traceOf))).toEqual(new Map([...traces].sort(([one], [other]) => one - other)));
  for (const line of [...snake, ...script]) expect(line.trace_id).toBe(traceOf(line)[1]);
  // the source writes the numbers in order
  expect(snake.map(({ msg, record = '' }) => Number(record.split(':')[1]) - Number(msg.split(' ')[1]))).toEqual(
    Array.from({ length: 40 }, () => 1),
  );
});

test('a run serves the metrics of all of its replicas on one page, on a free port if that of the topology is taken', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as AddressInfo;
  try {
    const settings = `globalConfig: {metrics: {enabled: true, port: ${port}}}`;
    const text = document.replace('mode: batch', `mode: stream\n${settings}`);
    const run = place.kflow('run', place.write('told.yaml', text));
    const url = await run.waitFor(/^metrics +(http:\S+)/m);
    expect(run.stderr).toContain(`(port ${port} is not free)`);
    const page = await waitFor(
      'every record is counted',
      async () => (await fetch(url)).text().catch(() => ''),
      (text) =>
        metricOf(text, 'events_total', 'script-0') === 40 && metricOf(text, 'backlog_records', 'script-0') === 0,
    );
    const snakes = ['snake-0', 'snake-1'].map((replica) => metricOf(page, 'events_total', replica) ?? 0);
    expect(snakes.reduce((sum, each) => sum + each)).toBe(40);
    expect(page.match(/^# TYPE events_total /gm)).toHaveLength(1);
    expect(page).toMatch(/^kflow_build_info\{replica="numbers-0",version="[^"]+",/m);
    run.process.kill('SIGINT');
    expect(await run.exited).toBe(0);
  } finally {
    taken.close();
  }
});

/** The value of a metric of this replica. */
function metricOf(page: string, metric: string, replica: string): number | undefined {
  const [, value] = new RegExp(`^${metric}\\{replica="${replica}",[^}]*\\} (\\S+)$`, 'm').exec(page) ?? [];
  return value === undefined ? undefined : Number(value);
}
