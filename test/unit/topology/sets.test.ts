import { parseSet } from '../../../lib/topology/read/document-set';
import { printed, readText } from './topology-fixtures';

const text = `
jobId: sets
dag:
  - id: list
    type: fs-source
    format: list
    topics: s3a://docs
    out: [map]
  - id: map
    type: raw
    meta:
      module: map.py
      rate: 1
      max.poll.interval.ms: 30000
    sideOuts:
      - id: side
        schema: { type: record, name: side, fields: [] }
        out: [sink]
    out: [sink]
  - id: sink
    type: s3-sink
    topics: s3a://out
`;

function withSets(...sets: string[]) {
  return readText(text, 'test.yaml', sets.map(parseSet));
}

describe('parseSet', () => {
  test.each([
    ['mode=batch', { path: 'mode', value: 'batch' }],
    ['parallelism=4', { path: 'parallelism', value: 4 }],
    ['a.b=x=y', { path: 'a.b', value: 'x=y' }],
    ['out=[a, b]', { path: 'out', value: ['a', 'b'] }],
    ['password="123"', { path: 'password', value: '123' }],
    ['user=', { path: 'user', value: null }],
  ])('parses %s', (written, expected) => {
    expect(parseSet(written)).toEqual(expected);
  });

  test('rejects text without "=" and values that are not YAML', () => {
    expect(() => parseSet('mode')).toThrow('--set mode: write it as path=value, as in dag.map.parallelism=4');
    expect(() => parseSet('=1')).toThrow('write it as path=value');
    expect(() => parseSet('mode=[a')).toThrow('--set mode: the value is not YAML');
  });
});

describe('--set', () => {
  test('addresses settings by key, and functions by id or index', () => {
    const { topology, problems } = withSets(
      'mode=batch',
      'globalConfig.messageStore.maxPayloadSize=12345',
      'dag.map.parallelism=3',
      'dag[1].meta.rate=5',
      'dag.0.topics=s3a://other/dir',
      'dag.map.sideOuts.side.out=[]',
      'dag[1].out[0]=sink',
    );
    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(topology).toMatchObject({ mode: 'batch', globalConfig: { messageStore: { maxPayloadSize: 12_345 } } });
    expect(topology?.dag[0]?.topics).toBe('s3a://other/dir');
    expect(topology?.dag[1]).toMatchObject({ parallelism: 3, meta: { rate: 5 }, sideOuts: [{ id: 'side', out: [] }] });
  });

  test('prefers the longest known key if keys contain dots', () => {
    const { topology } = withSets(
      'dag.map.meta.max.poll.interval.ms=60000',
      'dag.map.meta.download.directory=/tmp/there',
      'dag.map.meta.increment=7',
    );
    expect(topology?.dag[1]?.meta).toMatchObject({ maxPollIntervalMs: 60_000, downloadDirectory: '/tmp/there' });
    expect(topology?.dag[1]?.meta.own).toMatchObject({ increment: 7, 'max.poll.interval.ms': 60_000 });
  });

  test('reports invalid values like those of a document, with --set as the file', () => {
    expect(printed(withSets('dag.map.parallelism=two', 'dag.list.out=[mapp]')).slice(0, 2)).toEqual([
      '--set:1:1  dag[1].parallelism  must be a positive integer, got "two"',
      '--set:1:1  dag[0].out[0]  no function has the id "mapp"; did you mean "map"?',
    ]);
  });

  test.each([
    ['paralelism=2', 'unknown key "paralelism"; did you mean "parallelism"?'],
    ['dag.mapp.parallelism=2', 'no item has the id or index "mapp"; did you mean "map"?'],
    ['dag[7].parallelism=2', 'no item has the id or index "7"; indexes go from 0 to 2'],
    ['dag.map.meta.max.pol.interval=2', 'unknown key "pol"; did you mean "poll"?'],
    ['mode.x=1', 'unknown key "x"'],
    ['jobId.x=1', '"x" cannot be set, because the value above it is not a map'],
    ['dag.map.__proto__.x=1', 'expected a key at "__proto__.x"'],
    ['dag[1]..=1', 'expected a key at'],
  ])('rejects the path of %s', (set, message) => {
    const [problem] = withSets(set).problems;
    expect(problem).toMatchObject({ file: '--set', line: 1, col: 1, severity: 'error', code: 'key-unknown' });
    expect(problem?.message).toContain(message);
  });
});
