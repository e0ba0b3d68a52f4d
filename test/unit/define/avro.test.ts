import { avro } from '../../../lib/define/avro';
import { s3list } from '../../../lib/define/connector-builders';
import { readAvroType } from '../../../lib/topology/avro/avro-type-reader';
import { s3list as s3listSchema } from '../../../lib/topology/function-types/fs-source';

test('the builders and the topology have the same schema of an fs-source', () => {
  expect(s3list.schema).toEqual(s3listSchema);
});

test('builders produce Avro JSON', () => {
  const color = avro.enum('color', ['red', 'green'], { default: 'red', namespace: 'paint' });
  const type = avro.record(
    'car',
    {
      id: avro.long,
      seats: avro.array(avro.int),
      tags: avro.map(avro.nullable(avro.string)),
      color,
      hash: avro.fixed('md5', 16),
      note: avro.optional(avro.string),
      weight: avro.withDefault(avro.double, 1.5),
      key: avro.withDefault(avro.bytes, Buffer.from([0, 255])),
    },
    { namespace: 'cars' },
  );
  expect(type.schema).toEqual({
    type: 'record',
    name: 'car',
    namespace: 'cars',
    fields: [
      { name: 'id', type: 'long' },
      { name: 'seats', type: { type: 'array', items: 'int' } },
      { name: 'tags', type: { type: 'map', values: ['null', 'string'] } },
      {
        name: 'color',
        type: { type: 'enum', name: 'color', namespace: 'paint', default: 'red', symbols: ['red', 'green'] },
      },
      { name: 'hash', type: { type: 'fixed', name: 'md5', size: 16 } },
      { name: 'note', type: ['null', 'string'], default: null },
      { name: 'weight', type: 'double', default: 1.5 },
      { name: 'key', type: 'bytes', default: '\u0000\u00ff' },
    ],
  });
  expect(readAvroType(type.schema).faults).toEqual([]);
});

test('a named type is defined at its first use and referenced by name afterwards', () => {
  const unit = avro.enum('unit', ['mm', 'inch']);
  const size = avro.record('size', { width: avro.int, unit });
  const both = avro.record('both', { unit, size, others: avro.array(size) }, { namespace: 'shop' });
  const type = avro.record('order', { first: size, both, last: avro.nullable(both) }, { namespace: 'shop' });
  expect(readAvroType(type.schema).faults).toEqual([]);
  expect(both.schema.fields).toEqual([
    { name: 'unit', type: unit.schema },
    {
      name: 'size',
      type: {
        type: 'record',
        name: 'size',
        fields: [
          { name: 'width', type: 'int' },
          { name: 'unit', type: 'shop.unit' },
        ],
      },
    },
    { name: 'others', type: { type: 'array', items: 'shop.size' } },
  ]);
  expect(type.schema.fields).toEqual([
    { name: 'first', type: size.schema },
    {
      name: 'both',
      type: {
        type: 'record',
        name: 'both',
        namespace: 'shop',
        fields: [
          { name: 'unit', type: 'shop.unit' },
          { name: 'size', type: 'shop.size' },
          { name: 'others', type: { type: 'array', items: 'shop.size' } },
        ],
      },
    },
    { name: 'last', type: ['null', 'shop.both'] },
  ]);
});

test('different types with the same name are left to the schema check', () => {
  const type = avro.record('r', { one: avro.fixed('f', 4), two: avro.fixed('f', 8) });
  expect(readAvroType(type.schema).faults).toEqual([
    expect.objectContaining({ field: 'two', message: expect.stringContaining('the name "f" is defined twice') }),
  ]);
});

test('nested unions are flattened', () => {
  expect(avro.nullable(avro.union(avro.string, avro.int)).schema).toEqual(['null', 'string', 'int']);
});

test('unions may have branches whose values look alike', () => {
  const type = avro.union(
    avro.int,
    avro.long,
    avro.string,
    avro.enum('e', ['a']),
    avro.record('r', {}),
    avro.map(avro.int),
  );
  expect(readAvroType(type.schema).faults).toEqual([]);
});

test('a branch that is repeated is left to the schema check', () => {
  expect(readAvroType(avro.nullable(avro.nullable(avro.int)).schema).faults).toEqual([
    expect.objectContaining({ message: 'the union contains null twice' }),
  ]);
});

test('keeps all digits of a default, and a small one as a number', () => {
  expect(avro.withDefault(avro.bigLong, 2n ** 63n - 1n).default).toBe(2n ** 63n - 1n);
  expect(avro.withDefault(avro.bigLong, 7n).default).toBe(7);
});
