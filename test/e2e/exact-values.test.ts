import { readdirSync } from 'node:fs';
import path from 'node:path';
import { Workplace } from '../support/kflow-cli';

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.remove());

/** The saved objects of a bucket as text, because a parser would round them; in the order of their text. */
function linesOf(directory: string): readonly string[] {
  const folder = path.join(place.folder, directory);
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.json'))
    .map((file) => place.read(path.join(directory, file)).trimEnd())
    .sort();
}

const sink = 'addr: "minio:9000", user: u, password: p';

const everything = `
jobId: everything
mode: batch
dag:
  - id: python
    type: raw-source
    schema: &everything
      type: record
      name: everything
      fields:
        - { name: id, type: int }
        - { name: n, type: long, default: 9223372036854775807 }
        - { name: at, type: { type: long, logicalType: timestamp-nanos } }
        - { name: u, type: ["null", float, long, double, string, { type: enum, name: ns.int, symbols: [A, B] }, bytes, { type: map, values: long }] }
        - { name: f, type: float }
        - { name: price, type: { type: bytes, logicalType: decimal, precision: 12, scale: 2 } }
        - { name: inner, type: { type: record, name: constructor, fields: [{ name: b, type: bytes, default: "x" }] }, default: {} }
        - { name: m, type: { type: map, values: int } }
        - { name: secret, type: string, default: none }
    meta:
      name: make
      code: |
        import datetime, decimal
        base = dict(at=1790000000000000001, u=None, f=0.1, price=b"\\x30\\x39", m={})
        def make():
            yield {**base, "id": 1}
            yield {**base, "id": 2, "n": -9007199254740991, "u": 2**60 + 1, "m": {"__proto__": 1, "constructor": 2}}
            yield {**base, "id": 3, "n": -2**63, "u": 1234567.891, "f": float("nan"), "price": decimal.Decimal("-0.05")}
            yield {**base, "id": 4, "n": 0, "u": "A", "f": float("-inf"), "at": datetime.datetime(1970, 1, 1, 0, 0, 1, tzinfo=datetime.timezone.utc)}
            yield {**base, "id": 5, "n": 0, "u": {"a": 2**53 + 1}, "inner": {"b": b"\\xff"}, "secret": "s3cr3t"}
            yield {**base, "id": 6, "n": 0, "u": b"\\x00", "f": 16777216.0}
            yield {**base, "id": 7, "n": 0, "u": 7}
    out: [typescript]
  - id: typescript
    type: raw
    schema: *everything
    meta: { name: pass, language: typescript, code: "export const pass = (ctx: any, event: any) => event;" }
    out: [again]
  - id: again
    type: raw
    schema: *everything
    meta: { name: again, code: "def again(ctx, event): return event" }
    out: [out]
  - id: out
    type: s3-sink
    topics: s3a://out
    ${sink.replaceAll(', ', '\n    ')}
    schema:
      type: record
      name: read
      fields:
        - { name: id, type: long }
        - { name: n, type: long }
        - { name: at, type: long }
        - { name: u, type: ["null", float, long, double, string, { type: enum, name: other, symbols: [A, B] }, bytes, { type: map, values: long }] }
        - { name: f, type: float }
        - { name: price, type: { type: bytes, logicalType: decimal, precision: 12, scale: 2 } }
        - { name: inner, type: { type: record, name: renamed, fields: [{ name: b, type: bytes }] } }
        - { name: m, type: { type: map, values: int } }
`;

test('a value of every type passes from Python through TypeScript to the sink exactly, and the sink writes what its schema names', async () => {
  place.write('everything.yaml', everything);
  const { status, stderr } = await place.ran('run', 'everything.yaml', '--save', 'out=out');
  expect([status, status === 0 ? '' : stderr]).toEqual([0, '']);
  const rest = '"price":"123.45","inner":{"b":"eA=="},"m":{}}';
  const at = '"at":1790000000000000001';
  expect(linesOf('out')).toEqual([
    `{"id":1,"n":9223372036854775807,${at},"u":null,"f":0.1,${rest}`,
    `{"id":2,"n":-9007199254740991,${at},"u":1152921504606846977,"f":0.1,"price":"123.45","inner":{"b":"eA=="},"m":{"__proto__":1,"constructor":2}}`,
    `{"id":3,"n":-9223372036854775808,${at},"u":1234567.891,"f":"NaN","price":"-0.05","inner":{"b":"eA=="},"m":{}}`,
    `{"id":4,"n":0,"at":1000000000,"u":"A","f":"-Infinity",${rest}`,
    `{"id":5,"n":0,${at},"u":{"a":9007199254740993},"f":0.1,"price":"123.45","inner":{"b":"/w=="},"m":{}}`,
    `{"id":6,"n":0,${at},"u":"AA==","f":16777216,${rest}`,
    `{"id":7,"n":0,${at},"u":7,"f":0.1,${rest}`,
  ]);
});

const forms = `
jobId: forms
mode: batch
dag:
  - id: keys
    type: raw-source
    schema: '{"type": "record", "name": "key", "fields": [{"name": "key", "type": "string"}]}'
    meta:
      name: keys
      code: |
        def keys():
            for key in ("forms", "emoji", "float", "date", "wrapped", "map", "late"):
                yield {"key": key}
    out: [forms]
  - id: forms
    type: raw
    schema: |
      {"type": "record", "name": "forms", "fields": [
        {"name": "key", "type": "string"},
        {"name": "m", "type": {"type": "map", "values": "int"}},
        {"name": "b", "type": "bytes"},
        {"name": "i", "type": "int"},
        {"name": "when", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "f", "type": "float"},
        {"name": "u", "type": ["null", "long", "double"]}]}
    meta:
      name: forms
      language: typescript
      maxDeliver: 1
      code: |
        export function forms(ctx: any, { key }: { key: string }) {
          const good = { key, m: new Map([['a', 1]]), b: new TextEncoder().encode('hi'), i: 5n, when: new Date(5), day: new Date('1970-01-02'), f: 0.5, u: 3 };
          switch (key) {
            case 'emoji': return { ...good, key: 'hello \\u{1F600}'.slice(0, 7) };
            case 'float': return { ...good, f: 1e300 };
            case 'date': return { ...good, day: new Date(1) };
            case 'wrapped': return { ...good, u: { double: 1.5 } };
            case 'map': return { ...good, m: new Map([[1, 1]]) };
            default: return good;
          }
        }
    out: [out]
  - { id: out, type: s3-sink, topics: "s3a://out", ${sink} }
`;

test('TypeScript may return maps, bytes, bigints and dates; each value that does not fit is a letter that names its field', async () => {
  place.write('forms.yaml', forms);
  const { status, stdout, stderr } = await place.ran('run', 'forms.yaml', '--save', 'out=out');
  const good = (key: string) => `{"key":"${key}","m":{"a":1},"b":"aGk=","i":5,"when":5,"day":1,"f":0.5,"u":3}`;
  expect(linesOf('out')).toEqual([good('forms'), good('late')]);
  expect(status).toBe(1);
  const log = place.read('.kflow/forms/logs/forms-0.log');
  for (const text of [
    'key: expected string, got string "hello \\\\ud83d"; the text has half a character (a lone surrogate)',
    'f: expected float, got number 1e+300; it is beyond the range of a float; use double',
    'day: expected int (date), got a Date; a date takes midnight in UTC',
    'u: expected null or long or double, got an object with double; a union takes the plain value',
    'm: expected texts as keys of the map, got the key number 1',
  ]) {
    expect(log).toContain(text.replaceAll('\\\\', '\\'));
  }
  expect(`${stdout}${stderr}`).toContain('forms: 5 records sent to the dead letters');
});
