import vm from 'node:vm';
import { AvroCodec } from '../../../runtime/avro/avro-codec';

function recordOf(fields: { readonly [name: string]: unknown }, name = 'R'): object {
  return { type: 'record', name, fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })) };
}

function copyOf(codec: AvroCodec, value: unknown): unknown {
  const bytes = codec.encode(value);
  if (bytes === undefined) throw new Error(codec.misfit(value));
  return codec.decode(bytes);
}

describe('a field', () => {
  test('is read once, whatever its getter returns next', () => {
    let reads = 0;
    const record = {
      get n() {
        reads += 1;
        return reads === 1 ? 7 : 'seven';
      },
    };
    expect(copyOf(new AvroCodec(recordOf({ n: 'long' })), record)).toEqual({ n: 7 });
    expect(reads).toBe(1);
  });

  test('is read once through a proxy, and reported as it was read', () => {
    const reads: string[] = [];
    const record = new Proxy(
      { a: 1, b: 'x' },
      { get: (target, key) => [Reflect.get(target, key), reads.push(String(key))][0] },
    );
    const codec = new AvroCodec(recordOf({ a: 'int', b: 'int' }));
    expect(codec.encode(record)).toBeUndefined();
    expect(codec.misfit(record)).toBe('b: expected int, got string "x"; use Number(text)');
    expect(reads).toEqual(['a', 'b']);
  });

  test('does not call toJSON or valueOf', () => {
    const codec = new AvroCodec(recordOf({ n: 'long' }));
    const number = { valueOf: () => 5, toJSON: () => 5 };
    expect(codec.misfit({ n: number })).toBe('n: expected long, got an object with valueOf, toJSON');
    expect(copyOf(codec, { n: 1, toJSON: undefined })).toEqual({ n: 1 });
  });

  test('may encode another record in its getter', () => {
    const codec = new AvroCodec(recordOf({ a: 'string', b: 'string' }));
    const record = {
      a: 'first',
      get b() {
        return String(codec.encode({ a: 'x'.repeat(50), b: '' })?.length);
      },
    };
    expect(copyOf(codec, record)).toEqual({ a: 'first', b: '52' });
  });

  test('whose getter throws leaves the codec usable', () => {
    const codec = new AvroCodec(recordOf({ a: 'int' }));
    const record = {
      get a(): number {
        throw new Error('no');
      },
    };
    expect(() => codec.encode(record)).toThrow('no');
    expect(copyOf(codec, { a: 1 })).toEqual({ a: 1 });
  });

  test('that only the prototype of every object has counts as left out', () => {
    const codec = new AvroCodec(recordOf({ constructor: 'string', valueOf: ['null', 'int'] }));
    expect(codec.misfit({ valueOf: null })).toBe('constructor: missing, and the schema has no default');
    expect(copyOf(codec, { constructor: 'x', valueOf: 3 })).toEqual({ constructor: 'x', valueOf: 3 });
  });

  test('that is undefined takes its default, and without one is missing', () => {
    const fields = [
      { name: 'a', type: ['null', 'int'], default: null },
      { name: 'b', type: ['null', 'int'] },
    ];
    const codec = new AvroCodec({ type: 'record', name: 'R', fields });
    expect(copyOf(codec, { a: undefined, b: 1, c: undefined })).toEqual({ a: null, b: 1 });
    expect(codec.misfit({ b: undefined })).toBe('b: missing, and the schema has no default; write null');
  });
});

describe('an object', () => {
  class Point {
    constructor(readonly x: number) {}
    get twice(): number {
      return this.x * 2;
    }
  }

  test('of a class is a record by its fields, getters of the class included', () => {
    expect(copyOf(new AvroCodec(recordOf({ x: 'int' })), new Point(1))).toEqual({ x: 1 });
    expect(copyOf(new AvroCodec(recordOf({ x: 'int', twice: 'int' })), new Point(1))).toEqual({ x: 1, twice: 2 });
    expect(new AvroCodec(recordOf({ twice: 'int' })).misfit(new Point(1))).toBe('x: not a field of the record R');
  });

  test('of another realm is what it is there', () => {
    const codec = new AvroCodec(
      recordOf({
        m: { type: 'map', values: 'int' },
        l: { type: 'array', items: 'int' },
        o: { type: 'map', values: 'int' },
        b: 'bytes',
      }),
    );
    const record: unknown = vm.runInNewContext(
      '({ m: new Map([["a", 1]]), l: [1], o: { c: 2 }, b: new Uint8Array([1]) })',
    );
    expect(copyOf(codec, record)).toEqual({ m: { a: 1 }, l: [1], o: { c: 2 }, b: Buffer.of(1) });
  });

  test.each([
    ['a Map', new Map(), 'expected record R, got a Map; use Object.fromEntries(map)'],
    ['a Set', new Set(), 'expected record R, got a Set'],
    [
      'a Date',
      new Date(0),
      'expected record R, got a Date; declare {"type": "long", "logicalType": "timestamp-millis"} to write a Date',
    ],
    ['a Promise', Promise.resolve(), 'expected record R, got a Promise; await it'],
    ['an array', [], 'expected record R, got an array'],
    ['a regular expression', /x/, 'expected record R, got a RegExp'],
    ['an error', new Error('x'), 'expected record R, got an Error'],
    ['a function', () => 1, 'expected record R, got a function'],
    ['bytes', Buffer.of(1), 'expected record R, got Buffer of 1 bytes'],
  ])('that is %s is no record, even if all fields have defaults', (_, value, message) => {
    const codec = new AvroCodec({ type: 'record', name: 'R', fields: [{ name: 'a', type: 'int', default: 0 }] });
    expect(codec.misfit(value)).toBe(message);
  });
});

const date = new Date(1.5 * 86_400_000);
const long = (logicalType: string) => ({ type: 'long', logicalType });

test.each<[string, unknown, unknown, string]>([
  [
    'a Date in a long',
    'long',
    date,
    'f: expected long, got a Date; use value.getTime(), or declare {"type": "long", "logicalType": "timestamp-millis"} to write a Date',
  ],
  ['a Date in a string', 'string', date, 'f: expected string, got a Date; use value.toISOString()'],
  [
    'a Date in a nullable long',
    ['null', 'long'],
    date,
    'f: expected null or long, got a Date; use value.getTime(), or declare {"type": "long", "logicalType": "timestamp-millis"} to write a Date',
  ],
  [
    'noon in a date',
    { type: 'int', logicalType: 'date' },
    date,
    'f: expected int (date), got a Date; a date takes midnight in UTC, as of new Date("2026-11-29")',
  ],
  [
    'a Date in a local timestamp',
    long('local-timestamp-millis'),
    date,
    'f: expected long (local-timestamp-millis), got a Date; a Date is an instant, not a local-timestamp-millis; use its number',
  ],
  [
    'an invalid Date',
    long('timestamp-millis'),
    new Date(Number.NaN),
    'f: expected long (timestamp-millis), got an invalid Date',
  ],
  [
    'a Date beyond nanoseconds',
    long('timestamp-nanos'),
    new Date(8.64e15),
    'f: expected long (timestamp-nanos), got a Date; nanoseconds hold the years 1677 to 2262',
  ],
  [
    'a number beyond 2^53 in a long',
    'long',
    2 ** 53,
    'f: expected long, got number 9007199254740992; it is beyond 2^53, where numbers are not exact; use a bigint',
  ],
  [
    'a bigint beyond 64 bits',
    'long',
    2n ** 63n,
    'f: expected long, got bigint 9223372036854775808; it does not fit in 64 bits',
  ],
  [
    'a bigint beyond 32 bits in an int',
    'int',
    2n ** 31n,
    'f: expected int, got bigint 2147483648; it does not fit in 32 bits',
  ],
  ['NaN in an int', 'int', Number.NaN, 'f: expected int, got number NaN'],
  ['infinity in a long', 'long', Number.POSITIVE_INFINITY, 'f: expected long, got number Infinity'],
  [
    '1e39 in a float',
    'float',
    1e39,
    'f: expected float, got number 1e+39; it is beyond the range of a float; use double',
  ],
  [
    'a bigint that is not exact in a double',
    'double',
    2n ** 53n + 1n,
    'f: expected double, got bigint 9007199254740993; the type cannot hold it exactly; use Number(value) to round it',
  ],
  ['a boolean in a string', 'string', true, 'f: expected string, got boolean true'],
  ['a text in bytes', 'bytes', 'x', 'f: expected bytes, got string "x"; use Buffer.from(text)'],
  ['bytes in a string', 'string', Buffer.of(1), 'f: expected string, got Buffer of 1 bytes; use buffer.toString()'],
  [
    'an ArrayBuffer in bytes',
    'bytes',
    new ArrayBuffer(1),
    'f: expected bytes, got an ArrayBuffer; use new Uint8Array(buffer)',
  ],
  ['numbers of 32 bits in bytes', 'bytes', new Float32Array(1), 'f: expected bytes, got a Float32Array'],
  [
    'a Set in an array',
    { type: 'array', items: 'int' },
    new Set([1]),
    'f: expected array of int, got a Set; use Array.from(value)',
  ],
  [
    'a typed array in an array',
    { type: 'array', items: 'double' },
    new Float64Array(1),
    'f: expected array of double, got a Float64Array; use Array.from(value)',
  ],
  ['a hole in an array', { type: 'array', items: 'int' }, new Array(1), 'f[0]: expected int, got undefined'],
  [
    'a Map with other keys',
    { type: 'map', values: 'int' },
    new Map([[1, 1]]),
    'f: expected texts as keys of the map, got the key number 1',
  ],
  [
    'an instance in a map',
    { type: 'map', values: 'int' },
    new (class Counts {
      a = 1;
    })(),
    'f: expected map of int, got a Counts; use a plain object or a Map',
  ],
  [
    'a wrong value in a map',
    { type: 'map', values: 'int' },
    { 'a b': 'x' },
    'f["a b"]: expected int, got string "x"; use Number(text)',
  ],
  [
    'a symbol that is none',
    { type: 'enum', name: 'E', symbols: ['A', 'B'] },
    'C',
    'f: expected enum E, got string "C"; its symbols are A, B',
  ],
  [
    'a wrapped value',
    ['null', 'long', 'double'],
    { double: 1.5 },
    'f: expected null or long or double, got an object with double; a union takes the plain value, not one inside {"double": ...}',
  ],
  ['a function', 'string', () => 1, 'f: expected string, got a function'],
  ['a symbol of JavaScript', 'string', Symbol('x'), 'f: expected string, got a symbol'],
])('refuses %s', (_, type, value, message) => {
  const codec = new AvroCodec(recordOf({ f: type }));
  expect(codec.encode({ f: value })).toBeUndefined();
  expect(codec.misfit({ f: value })).toBe(message);
});

test('says of an object that fits no branch what each lacks', () => {
  const codec = new AvroCodec([recordOf({ x: 'int' }, 'A'), recordOf({ x: 'string', y: 'int' }, 'B')]);
  expect(codec.misfit({ x: 'z', y: '1' })).toBe(
    'expected record A or record B, got an object with x, y; it is no record A: x: expected int, got string "z"; use Number(text); ' +
      'it is no record B: y: expected int, got string "1"; use Number(text)',
  );
});

test('says that a value is wrapped, also where an object could be a record or a map', () => {
  const record = recordOf({ x: 'int' }, 'ns.A');
  const wrapped = 'a union takes the plain value, not one inside {"double": ...}';
  expect(new AvroCodec([record, 'double']).misfit({ double: 1.5 })).toContain(wrapped);
  expect(new AvroCodec([record, 'double', recordOf({ y: 'int' }, 'B')]).misfit({ double: 1.5 })).toContain(wrapped);
  expect(new AvroCodec(['null', record]).misfit({ A: { x: 1 } })).toContain('not one inside {"A": ...}');
  expect(new AvroCodec([recordOf({ double: 'int' }), 'double']).misfit({ double: 1.5 })).toBe(
    'double: expected int, got number 1.5',
  );
});

test('takes a bigint, a Date and a Map inside a union', () => {
  const codec = new AvroCodec(['null', long('timestamp-micros'), 'double', { type: 'map', values: 'int' }]);
  expect(copyOf(codec, 2n ** 60n)).toBe(2n ** 60n);
  expect(copyOf(codec, new Date(5))).toBe(5000);
  expect(copyOf(codec, new Map([['a', 1]]))).toEqual({ a: 1 });
  expect(copyOf(codec, 1e20)).toBe(1e20);
  expect(Object.is(copyOf(codec, -0), -0)).toBe(true);
});

test('chooses among look-alike records in depth, without trying them exponentially often', () => {
  const node = (name: string, kind: string) => ({
    type: 'record',
    name,
    fields: [
      { name: 'next', type: ['null', 'A', 'B'] },
      { name: 'kind', type: { type: 'enum', name: kind, symbols: [kind] } },
    ],
  });
  const codec = new AvroCodec({
    type: 'record',
    name: 'R',
    fields: [
      {
        name: 'b',
        type: {
          ...node('B', 'KB'),
          fields: [
            {
              name: 'next',
              type: [
                'null',
                {
                  ...node('A', 'KA'),
                  fields: [
                    { name: 'next', type: ['null', 'A', 'B'] },
                    { name: 'kind', type: { type: 'enum', name: 'KA', symbols: ['KA'] } },
                  ],
                },
                'B',
              ],
            },
            { name: 'kind', type: { type: 'enum', name: 'KB', symbols: ['KB'] } },
          ],
        },
      },
    ],
  });
  let value: unknown = null;
  for (let level = 0; level < 60; level++) value = { next: value, kind: level % 3 === 0 ? 'KA' : 'KB' };
  const record = { b: { next: value, kind: 'KB' } };
  expect(copyOf(codec, record)).toEqual(record);
});

test('refuses a value that contains itself', () => {
  const codec = new AvroCodec(recordOf({ next: ['null', 'R'] }));
  const loop: { next: unknown } = { next: null };
  loop.next = loop;
  expect(codec.misfit(loop)).toMatch(/^next\.next\..*nested deeper than 1000 records$/);
});

test('decodes a message that nests deeper than the limit as malformed, also where it is skipped', () => {
  const codec = new AvroCodec(recordOf({ next: ['null', 'R'] }));
  const deep = Buffer.alloc(100_000, 2);
  expect(() => codec.decode(deep)).toThrow('nested deeper than 1000 records');
  const skipping = codec.decoderFor(
    new AvroCodec({ type: 'record', name: 'S', fields: [{ name: 'x', type: 'int', default: 1 }] }),
  );
  expect(() => skipping(deep)).toThrow('nested deeper than 1000 records');
});
