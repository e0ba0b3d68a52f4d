import { readAvroSchema } from '../../../lib/topology/avro/read-avro-schema';

function field(type: unknown, more = {}): unknown {
  return { type: 'record', name: 'r', namespace: 'n.s', fields: [{ name: 'x', type, ...more }] };
}

const good: readonly unknown[] = [
  field('int'),
  field(['null', 'string'], { default: null }),
  field({ type: 'array', items: { type: 'map', values: 'bytes' } }),
  field({ type: 'enum', name: 'e', symbols: ['A', 'B'], default: 'A' }),
  field({ type: 'fixed', name: 'f', size: 2 }, { default: 'ab' }),
  field({ type: 'bytes', logicalType: 'decimal', precision: 4, scale: 2 }),
  field(['null', 'r']),
  field(['null', 'n.s.r']),
  field({ type: 'record', name: 'q', fields: [{ name: 'z', type: 'int', default: 1 }] }, { default: {} }),
  field('long', { default: 3 }),
  field('float', { default: 1 }),
  field({ type: 'array', items: 'int' }, { default: [1, 2] }),
  field({ type: 'string' }),
  { type: 'error', name: 'failure', fields: [] },
];

const bad: readonly (readonly [unknown, string])[] = [
  [field('strng'), 'field x: unknown type "strng"; did you mean "string"?'],
  [field(undefined), 'field x: the field needs a "type"'],
  [field(['null', ['int']]), 'field x: a union must not directly contain a union'],
  [field(['int', 'int']), 'field x: the union contains int twice'],
  [field([]), 'field x: a union needs at least one type'],
  [field({ type: ['null', 'int'] }), 'got a map whose "type" is a list; replace the map by the inner type'],
  [field({ type: 'enum', name: 'e', symbols: [] }), 'needs "symbols", a list of names'],
  [field({ type: 'array' }), 'field x: the array needs "items", a type'],
  [field('int', { default: 'a' }), 'field x: the default "a" is not of type int'],
  [field('int', { default: 3_000_000_000 }), 'the default 3000000000 is not of type int'],
  [field(['null', 'int'], { default: 'a' }), 'the default "a" is not of type null or int'],
  [field('string', { default: 1 }), 'the default 1 is not of type string; write it in quotes: "1"'],
  [field('double', { default: Number.NaN }), 'is not of type double; JSON has no such number'],
  [field({ type: 'enum', name: 'e', symbols: ['A', true] }), 'has the symbol true; write it in quotes: "true"'],
  [field([null, 'int']), 'got nothing; write "null", in quotes, for the type null'],
  [field({ type: 'array', items: 'int' }, { default: ['a'] }), 'is not of type array of int'],
  [{ type: 'record', name: 'r' }, 'needs "fields", a list'],
  [{ type: 'record', name: 'a-b', fields: [] }, 'the name "a-b" must consist of letters, digits and underscores'],
  [{ type: 'record', name: 'r', fields: [{ type: 'int' }] }, 'a field needs a "name"'],
  [
    { type: 'record', name: 'r', fields: [{ name: 'a b', type: 'int' }] },
    'field a b: the name "a b" must consist of letters',
  ],
];

describe('readAvroSchema', () => {
  test.each(good)('accepts %j', (schema) => {
    expect(readAvroSchema(schema)).toHaveProperty('read');
    expect(readAvroSchema(JSON.stringify(schema))).toHaveProperty('read');
  });

  test.each(bad)('rejects %j', (schema, message) => {
    const reading = readAvroSchema(schema);
    expect('faults' in reading && reading.faults.map((fault) => fault.message).join('\n')).toContain(message);
  });

  test.each(['"string"', '["null", "int"]', '{"type": "array", "items": "int"}'])(
    'rejects a schema that is not a record: %s',
    (text) => {
      expect(readAvroSchema(text)).toEqual({
        faults: [{ path: [], offset: 0, message: 'the schema must be a record' }],
      });
    },
  );

  test('reports invalid JSON at the first character that JSON does not allow', () => {
    const faults = [{ path: [], offset: 6, message: 'not JSON: expected a value, got "}"' }];
    expect(readAvroSchema('{"a": }')).toEqual({ faults });
  });

  test('reports a fault in JSON text at the offset of the value', () => {
    const text = '{"type": "record", "name": "r",\n\t"fields": [{"name": "x", "type": "strng"}]}';
    const reading = readAvroSchema(text);
    expect('faults' in reading && reading.faults.map(({ offset }) => offset)).toEqual([text.indexOf('"strng"')]);
  });

  test('reports excessive nesting as a fault', () => {
    let deep: unknown = 'int';
    for (let level = 0; level < 5000; level += 1) deep = { type: 'array', items: deep };
    expect(readAvroSchema(field(deep))).toHaveProperty('faults');
    expect(readAvroSchema('['.repeat(100_000))).toHaveProperty('faults');
    expect(readAvroSchema(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)).toHaveProperty('faults');
  });
});
