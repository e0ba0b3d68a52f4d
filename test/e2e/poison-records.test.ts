import { Workplace } from '../support/kflow-cli';
import { type Poison, poisons } from './poisons';

const schema = JSON.stringify({
  type: 'record',
  name: 'numbered',
  fields: [
    { name: 'n', type: 'long' },
    { name: 'text', type: 'string', default: '' },
  ],
});

function codeOf({ language, code }: Poison): string {
  return language === 'typescript'
    ? ['function run(context, event) {', 'if (event.n === 17) {', ...code, '}', 'return event;', '}'].join('\n')
    : ['def run(ctx, event):', '  if event["n"] == 17:', ...code.map((line) => `    ${line}`), '  return event'].join(
        '\n',
      );
}

const ids = Object.keys(poisons);
const functions = Object.entries(poisons).map(([id, poison]) => ({
  id,
  type: 'raw',
  schema,
  meta: {
    name: 'run',
    code: codeOf(poison),
    language: poison.language,
    maxDeliver: 2,
    'max.poll.interval.ms': 5_000,
    container: { env: [{ name: 'NODE_OPTIONS', value: '--max-old-space-size=128' }] },
  },
  out: ['results'],
}));
/** 40 numbers go to every function; the number 17 is poison. */
const flow = {
  jobId: 'poison',
  mode: 'batch',
  dag: [
    {
      id: 'numbers',
      type: 'raw-source',
      schema,
      meta: { name: 'numbers', code: 'def numbers(ctx):\n    for n in range(40): yield {"n": n, "text": ""}' },
      out: ids,
    },
    ...functions,
    { id: 'results', type: 's3-sink', addr: 'minio:9000', topics: 's3a://results', user: 'user', password: 'password' },
  ],
};

const place = new Workplace();
let run: { status: number | null; stdout: string; stderr: string };

beforeAll(async () => {
  place.write('flow.json', JSON.stringify(flow));
  run = await place.ran('run', 'flow.json', '--save', 'results=out', '--timeout', '400');
});
afterAll(() => place.remove());

test('the flow ends, with the exit status of a flow with dead letters', () => {
  const end = /timed out before|failed \(.*|left something undone.*/.exec(run.stderr)?.[0];
  expect([run.status, end]).toEqual([1, undefined]);
});

test.each(ids)('%s: its record is the only letter, and says why', (id) => {
  const letters = new RegExp(`^${id}: 1 record sent to the dead letters; last error: (.*)$`, 'm').exec(run.stderr);
  expect(letters?.[1]).toMatch(poisons[id]?.error ?? '');
});

test.each(ids)('%s: every other record is processed once', (id) => {
  const records = place.records<{ n: number; text: string }>('out', id).filter(({ text }) => text !== 'endless');
  const others = Array.from({ length: 40 }, (_, n) => n).filter((n) => n !== 17);
  expect(records.map(({ n }) => n).sort((one, other) => one - other)).toEqual(others);
});
