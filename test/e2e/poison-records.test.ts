import { Workplace } from '../support/kflow-cli';

/** What the code of one function does with the poisoned record, and the error that the record's letter names. */
interface Poison {
  readonly language: 'python' | 'typescript';
  /** Statements in the body of the function, which has `event`. */
  readonly code: string;
  readonly error: RegExp;
}

const python = (code: string, error: RegExp): Poison => ({ language: 'python', code, error });

/** One function each, by id. */
const poisons: { readonly [id: string]: Poison } = {
  'py-raises': python('raise ValueError("no")', /^ValueError: no$/),
  'py-long-error': python('raise ValueError("x" * 2_000_000)', /^ValueError: x{900,}… \(\d+ characters in all\)$/),
  'py-exit-0': python('import sys; sys.exit(0)', /^(exited|SystemExit): /),
  'py-os-exit-3': python('import os; os._exit(3)', /^exited: Python exited with code 3/),
  'py-sigkill': python(
    'import os, signal; os.kill(os.getpid(), signal.SIGKILL)',
    /^crashed: Python was killed by SIGKILL/,
  ),
  'py-segfault': python('import ctypes; ctypes.string_at(0)', /^crashed: Python was killed by SIGSEGV/),
  'py-kills-replica': python(
    'import os, signal, time; os.kill(os.getppid(), signal.SIGKILL); time.sleep(60)',
    /^crashed: the replica ended 2 times while it processed this record alone$/,
  ),
  'py-loop': python('while True: pass', /^timed out: no result and no heartbeat within max\.poll\.interval\.ms/),
  'py-endless': python('return iter(lambda: {"n": 17, "text": "endless"}, None)', /^timed out: /),
  'py-large': python('return {"n": 17, "text": "x" * 3_000_000}', /^FunctionError: output is \d+ bytes, limit is/),
  'py-memory': python(
    'import resource; resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30)); return {"n": len(bytearray(2**31))}',
    /^MemoryError/,
  ),
  'py-descriptors': python(
    [
      'import os, time',
      'for fd in range(3, 64):',
      '    try: os.write(fd, b"garbage" * 1000)',
      '    except OSError: pass',
      'time.sleep(60)',
    ].join('\n'),
    /^(crashed|timed out): /,
  ),
};

const schema = JSON.stringify({
  type: 'record',
  name: 'numbered',
  fields: [
    { name: 'n', type: 'long' },
    { name: 'text', type: 'string', default: '' },
  ],
});

function codeOf({ language, code }: Poison): string {
  if (language === 'typescript')
    return `function run(context, event) { if (event.n === 17) { ${code} } return event; }`;
  const body = code.split('\n').map((line) => `        ${line}`);
  return ['def run(ctx, event):', '    if event["n"] == 17:', ...body, '    return event'].join('\n');
}

const ids = Object.keys(poisons);
const functions = Object.entries(poisons).map(([id, poison]) => ({
  id,
  type: 'raw',
  schema,
  meta: { name: 'run', code: codeOf(poison), language: poison.language, maxDeliver: 2, 'max.poll.interval.ms': 5_000 },
  out: ['results'],
}));
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
let stderr = '';
let stdout = '';
let status: number | null;

beforeAll(async () => {
  place.write('flow.json', JSON.stringify(flow));
  ({ stderr, stdout, status } = await place.ran('run', 'flow.json', '--save', 'results=out', '--timeout', '300'));
});
afterAll(() => place.remove());

test('the flow ends, with the exit status of a flow with dead letters', () => {
  expect([status, stderr.includes('timed out before'), stdout]).toEqual([1, false, expect.anything()]);
});

test.each(ids)('%s: its record is the only letter, and says why', (id) => {
  const letters = new RegExp(`^${id}: 1 record sent to the dead letters; last error: (.*)$`, 'm').exec(stderr);
  expect(letters?.[1]).toMatch(poisons[id]?.error ?? '');
});

test.each(ids)('%s: every other record is processed once', (id) => {
  const records = place.records<{ n: number; text: string }>('out', id).filter(({ text }) => text !== 'endless');
  const numbers = records.map(({ n }) => n);
  const others = Array.from({ length: 40 }, (_, n) => n).filter((n) => n !== 17);
  expect(numbers.sort((one, other) => one - other)).toEqual(others);
});
