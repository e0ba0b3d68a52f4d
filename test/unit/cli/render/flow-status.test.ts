import type { FlowStatus, FunctionStatus } from '../../../../runtime/api-contract/flow-status';
import { renderStatus, renderStatusList } from '../../../../runtime/cli/render/flow-status';
import { age, Rates, shortCount } from '../../../../runtime/cli/render/measures';

const nowMs = Date.parse('2026-01-31T10:10:00Z');

const fn = (id: string, state: Partial<FunctionStatus> = {}): FunctionStatus => ({
  ...{ function: id, type: 'raw', replicas: 1, ready: 1, isPaused: false },
  ...{ pending: 0, held: 0, dead: 0, restarts: 0, ...state },
});

const status: FlowStatus = {
  status: 'Running',
  startTime: '2026-01-31T08:00:00Z',
  closeTime: null,
  execution: { workflow_id: 'words', run_id: 'f1725055' },
  type: { name: 'KFlowDSL' },
  devInsOuts: [],
  namespace: 'default',
  jobId: 'words',
  mode: 'stream',
  revision: 3,
  since: '2026-01-31T10:00:00Z',
  health: {
    state: 'degraded',
    problems: [
      {
        function: 'classify',
        replica: 'classify-2',
        reason: 'CrashLoopBackOff',
        message: "exit status 1 after 3 s: KeyError: 'label' in process, line 12",
        since: '2026-01-31T10:06:30Z',
      },
      { reason: 'QuotaExceeded', message: 'no more pods', since: '2026-01-31T10:09:20Z' },
    ],
  },
  functions: [
    fn('list', { type: 'fs-source', out: 48_000 }),
    fn('classify', {
      replicas: 4,
      ready: 3,
      in: 16_000,
      out: 12_345_678,
      pending: 32_000,
      held: 120,
      dead: 3,
      restarts: 7,
    }),
    fn('enrich', { isPaused: true, ready: 0, in: 0, out: 0 }),
  ],
};

test('shows the state of a flow, its functions, and how long each problem has lasted', () => {
  expect(renderStatus(status, { nowMs, medium: {} })).toBe(`default/words  Running  degraded (2)
stream, revision 3, Running for 10 min, started 2 h 10 min ago

FUNCTION  TYPE        READY      IN     OUT  PENDING  HELD  DEAD  RESTARTS
list      fs-source     1/1       -  48,000        0     0     0         0
classify  raw           3/4  16,000  12.34M   32,000   120     3         7
enrich    raw        paused       0       0        0     0     0         0

classify/classify-2  CrashLoopBackOff for 3 min  exit status 1 after 3 s: KeyError: 'label' in process, line 12
flow  QuotaExceeded for 40 s  no more pods
`);
});

test('fits 80 columns by leaving columns out and indenting messages below', () => {
  const long = {
    ...status,
    functions: status.functions.map((each) => ({ ...each, function: `${each.function}-of-images` })),
  };
  const text = renderStatus(long, { nowMs, medium: { width: 80 }, rates: new Map([['list-of-images', 12.6]]) });
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(text).toContain('FUNCTION             READY      IN     OUT  PER S  PENDING  HELD  DEAD  RESTARTS\n');
  expect(text).toContain('list-of-images         1/1       -  48,000     13  ');
  expect(text).toContain(
    "CrashLoopBackOff for 3 min\n    exit status 1 after 3 s: KeyError: 'label' in process, line 12\n",
  );
});

test('keeps columns in place with colors', () => {
  const plain = renderStatus(status, { nowMs, medium: {} });
  const colored = renderStatus(status, { nowMs, medium: { hasColors: true } });
  expect(colored).not.toBe(plain);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colors are control characters
  expect(colored.replace(/\u001b\[\d+m/g, '')).toBe(plain);
});

test('shows several flows, one per line', () => {
  expect(renderStatusList([status, { ...status, jobId: 'b', mode: undefined }], { nowMs, medium: {} })).toBe(
    `FLOW           STATUS   HEALTH        MODE    REVISION  PENDING  DEAD         AGE
default/words  Running  degraded (2)  stream         3   32,120     3  2 h 10 min
default/b      Running  degraded (2)  -              3   32,120     3  2 h 10 min
`,
  );
});

test('averages a rate over ten seconds, and shows none at first', () => {
  const rates = new Rates();
  const withCount = (count: number) => [fn('map', { in: count })];
  expect(rates.take(withCount(1_000), 0).get('map')).toBeUndefined();
  expect(rates.take(withCount(2_000), 5_000).get('map')).toBe(200);
  expect(rates.take(withCount(2_000), 10_000).get('map')).toBe(100);
  expect(rates.take(withCount(2_000), 20_000).get('map')).toBe(0);
});

test.each([
  ['2026-01-31T10:09:18Z', '42 s'],
  ['2026-01-31T10:05:10Z', '4 min'],
  ['2026-01-31T07:00:00Z', '3 h'],
  ['2026-01-29T09:00:00Z', '2 d 1 h'],
  ['2026-01-31T10:10:09Z', '0 s'],
])('the time since %s is %s', (since, text) => {
  expect(age(since, nowMs)).toBe(text);
});

test.each([
  [undefined, '-'],
  [999_999, '999,999'],
  [1_239_999, '1.23M'],
  [123_456_789_000, '123G'],
])('shows the count %p as %s', (count, shown) => {
  expect(shortCount(count)).toBe(shown);
});
