import { planFlow } from '../../../../lib/plan/plan-flow';
import { parseExactJson, renderExactJson } from '../../../../lib/topology/avro/exact-json';
import { readTopology } from '../../../../lib/topology/read-topology';
import { AvroCodec } from '../../../../runtime/avro/avro-codec';

test.each([
  [
    '[9007199254740991, 9007199254740992, -9223372036854775808]',
    [9007199254740991, 9007199254740992n, -9223372036854775808n],
  ],
  [
    '{"a": "9223372036854775807", "9223372036854775807": [1e400, 12345678901234567890.5]}',
    { a: '9223372036854775807', '9223372036854775807': [Number.POSITIVE_INFINITY, Number('12345678901234567890.5')] },
  ],
  ['"\\u00009223372036854775807"', '\u00009223372036854775807'],
  ['"say \\"9223372036854775807\\""', 'say "9223372036854775807"'],
])('parses %s with bigints for the integers that a number cannot hold', (text, value) => {
  expect(parseExactJson(text)).toEqual(value);
});

test('renders bigints in full', () => {
  const value = { a: [2n ** 63n - 1n, 1], b: 'x', c: null };
  expect(renderExactJson(value)).toBe('{"a":[9223372036854775807,1],"b":"x","c":null}');
  expect(parseExactJson(renderExactJson(value))).toEqual(value);
});

describe.each([
  ['a YAML map', 'schema: { type: record, name: r, fields: [{ name: n, type: long, default: 9223372036854775807 }] }'],
  [
    'JSON text',
    `schema: '{"type": "record", "name": "r", "fields": [{"name": "n", "type": "long", "default": 9223372036854775807}]}'`,
  ],
])('a default of 64 bits in %s', (_, schema) => {
  test('reaches the replica with all its digits', () => {
    const { topology, problems } = readTopology(
      `jobId: j\ndag:\n  - id: a\n    type: raw-source\n    ${schema}\n    meta: { name: f, code: "def f(): return None" }\n    out: [b]\n` +
        '  - { id: b, type: s3-sink, topics: "s3a://out", addr: "minio:9000", user: u, password: p }\n',
      { file: 'j.yaml', defaultJobId: 'j' },
    );
    if (topology === undefined) throw new Error(JSON.stringify(problems));
    const [workload] = planFlow(JSON.parse(JSON.stringify(topology)) as typeof topology, {}).workloads;
    const spec = JSON.parse(JSON.stringify(workload?.spec)) as { schema: string };
    const codec = new AvroCodec(spec.schema);
    expect(codec.decode(codec.encode({}) ?? Buffer.of())).toEqual({ n: 2n ** 63n - 1n });
  });
});
