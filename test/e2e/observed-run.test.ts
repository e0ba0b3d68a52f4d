import path from 'node:path';
import { Workplace } from '../support/kflow-cli';

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
            print("snake", event["n"])
            return event
    out: [script]
  - id: script
    type: raw
    meta: {language: typescript, name: run, code: "export function run(ctx, event) { console.log('script', event.n); }"}
`;

interface Line {
  readonly level: string;
  readonly time: string;
  readonly msg: string;
  readonly flow: string;
  readonly function?: string;
  readonly replica?: string;
  readonly record?: string;
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
  for (const lines of [snake, told('script', 0)]) {
    expect(lines).toHaveLength(40);
    const records = lines.map(({ record }) => record ?? '');
    expect(new Set(records).size).toBe(40);
    expect(records.filter((record) => !/^\S+:\d+$/.test(record))).toEqual([]);
  }
  // the source writes the numbers in order
  expect(snake.map(({ msg, record = '' }) => Number(record.split(':')[1]) - Number(msg.split(' ')[1]))).toEqual(
    Array.from({ length: 40 }, () => 1),
  );
});
