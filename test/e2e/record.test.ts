import { Workplace } from '../support/kflow-cli';

const schema = '{"type":"record","name":"n","fields":[{"name":"n","type":"long"},{"name":"text","type":"string"}]}';

/** 3,000 numbers, of which each tenth is larger than what a stream takes; odd ones are sent aside, too. */
const topology = `
jobId: numbers
mode: batch
globalConfig:
  stream: { maxMsgs: 500 }
dag:
  - id: in
    type: raw-source
    schema: '${schema}'
    meta:
      name: run
      code: |
        def run():
            for n in range(3000):
                yield {"n": n, "text": ""}
    out: [double]
  - id: double
    type: raw
    schema: '${schema}'
    parallelism: 2
    globalConfig: { messageStore: { enabled: true, topics: messages, addr: 'minio:9000', user: u, password: p, maxPayloadSize: 1000 } }
    sideOuts: [{ id: odd, schema: '${schema}', out: [leaf] }]
    meta:
      language: typescript
      name: run
      code: |
        export function run(ctx, event) {
          if (event.n % 2 === 1) ctx.toSideStream('odd', event);
          return { n: event.n * 2, text: event.n % 100 === 0 ? 'x'.repeat(2000) : '' };
        }
    out: [leaf]
  - { id: leaf, type: raw, meta: { name: run, code: "def run(ctx, event): return None" } }
`;

const place = new Workplace();
afterAll(() => place.remove());

test.each([
  ['of an edge', topology],
  ['with keys', topology.replace('type: raw-source', 'type: raw-source\n    partitionBy: n')],
])('records each record %s once, more than its stream holds, and a test reads the file', async (_, yaml) => {
  place.write('numbers.yaml', yaml);
  const files = [
    '--record',
    'double=doubled.jsonl',
    '--record',
    'double.odd=odd.jsonl',
    '--record',
    'in=numbers.jsonl',
  ];
  const { status, stderr } = await place.ran('run', 'numbers.yaml', ...files);
  expect({ status, stderr }).toMatchObject({ status: 0 });
  expect(stderr).toContain('edge double: recorded 3,000 records in doubled.jsonl');
  const numbersIn = (file: string) =>
    place
      .read(file)
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { n: number }).n)
      .sort((one, other) => one - other);
  const range = Array.from({ length: 3_000 }, (_, n) => n);
  expect(numbersIn('numbers.jsonl')).toEqual(range);
  expect(numbersIn('doubled.jsonl')).toEqual(range.map((n) => n * 2));
  expect(numbersIn('odd.jsonl')).toEqual(range.filter((n) => n % 2 === 1));
  expect(place.read('doubled.jsonl').length).toBeGreaterThan(60_000);

  place.write(
    'numbers.test.yaml',
    `tests:
  - name: the recorded run
    function: double
    input: numbers.jsonl
    output: { double: doubled.jsonl, double.odd: odd.jsonl }
    timeout: 120
`,
  );
  expect(await place.ran('test', 'numbers.yaml')).toMatchObject({ status: 0 });
});

test('a run whose recording fails goes on to its end, says why it failed, and is kept', async () => {
  place.write('numbers.yaml', topology);
  const { status, stderr } = await place.ran('run', 'numbers.yaml', '--record', 'double=/dev/full', '--timeout', '120');
  expect({ status, stderr }).toMatchObject({ status: 1 });
  const message = '--record double=/dev/full: record 1 cannot be written: ENOSPC';
  expect(stderr.split(message)).toHaveLength(3); // at once, and at the end
  expect(stderr).not.toContain('timed out');
  expect(stderr).toContain('run again with --keep to continue from there');
});

test('an edge that no function reads cannot be recorded', async () => {
  place.write('numbers.yaml', topology);
  const { status, stderr } = await place.ran('run', 'numbers.yaml', '--record', 'leaf=x.jsonl');
  expect(status).toBe(64);
  expect(stderr).toContain('--record leaf=x.jsonl: no such output that a function reads: in, double, double.odd');
});
