import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { AvroCodec } from '../../../runtime/avro/avro-codec';
import { ByteReader } from '../../../runtime/avro/byte-reader';
import { bulkFormat } from '../../../runtime/connectors/s3-sink/bulk-format';
import { AvroSchemaCodec } from '../../../runtime/engine/avro-message';
import type { SinkRecord } from '../../../runtime/engine/ports/sink';
import { venvPython } from '../../support/venv-python';

const item = new AvroSchemaCodec({
  type: 'record',
  name: 'item',
  fields: [
    { name: 'text', type: 'string' },
    { name: 'flag', type: 'boolean' },
    { name: 'small', type: 'int' },
    { name: 'large', type: 'long' },
    { name: 'single', type: 'float' },
    { name: 'exact', type: 'double' },
    { name: 'data', type: 'bytes' },
    { name: 'hash', type: { type: 'fixed', name: 'hash', size: 2 } },
    { name: 'kind', type: { type: 'enum', name: 'kind', symbols: ['A', 'B'] } },
    { name: 'maybe', type: ['null', 'long'] },
    { name: 'list', type: { type: 'array', items: 'long' } },
    { name: 'inner', type: { type: 'record', name: 'inner', fields: [{ name: 'x', type: 'int' }] } },
    { name: 'either', type: ['string', 'long'] },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'day', type: { type: 'int', logicalType: 'date' } },
    { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
  ],
});

const itemOf = (n: number) => ({
  text: `text ${n} é`,
  flag: n % 2 === 0,
  small: -n,
  large: n === 1 ? 9_007_199_254_740_993n : n,
  single: 0.5,
  exact: n / 10,
  data: Buffer.from([n, 255]),
  hash: Buffer.from([1, n]),
  kind: n % 2 === 0 ? 'A' : 'B',
  maybe: n === 2 ? null : n,
  list: [n, n + 1],
  inner: { x: n },
  either: n === 1 ? 'one' : n,
  at: 1_764_000_000_000 + n,
  day: 20_000 + n,
  price: Buffer.from([0x04, 0xd2]),
});
const recordOf = (n: number): SinkRecord => ({
  value: itemOf(n),
  schema: item,
  json: () => item.json(itemOf(n)),
  origin: { input: 0, sequence: n },
});
const records = [1, 2, 3].map(recordOf);
const encode = async (format: string, given = records) => Buffer.from(await bulkFormat(format).encode(given));

test.each(['json', 'avro', 'parquet'])('the same records in %s are the same bytes each time', async (format) => {
  expect((await encode(format)).equals(await encode(format))).toBe(true);
});

test('JSON lines are the records as other sinks write them', async () => {
  expect((await encode('json')).toString()).toBe(records.map((record) => `${record.json()}\n`).join(''));
});

/** The name of the schema, the number of records, fields of the second one and one of the third. */
type ReadContainer = (
  file: Buffer,
) => readonly [name: string, count: number, second: readonly unknown[], maybe: unknown];

/** As the specification says, in "Object container files". */
const bySpecification: ReadContainer = (file) => {
  const reader = new ByteReader(file, 0);
  expect(reader.fixed(4)).toEqual(Buffer.from('Obj\x01'));
  const header: { [key: string]: string } = {};
  for (let left = Number(reader.long()); left > 0; left--) header[reader.string()] = reader.bytes().toString();
  expect([header['avro.codec'], reader.long()]).toEqual(['deflate', 0]);
  const schema = JSON.parse(header['avro.schema'] ?? '');
  // the records of a block are encoded as the items of an array
  const codec = new AvroCodec({ type: 'array', items: schema });
  const marker = reader.fixed(16);
  const rows: ReturnType<typeof itemOf>[] = [];
  while (reader.pos < file.length) {
    const start = reader.pos;
    reader.long();
    const count = file.subarray(start, reader.pos);
    const items = Buffer.concat([count, inflateRawSync(reader.bytes()), Buffer.from([0])]);
    rows.push(...(codec.decode(items) as typeof rows));
    expect(reader.fixed(16)).toEqual(marker);
  }
  const [, row, third] = rows;
  const price = (row?.price.readInt16BE() ?? 0) / 100;
  return [schema.name, rows.length, [String(row?.large), row?.text, row?.list, String(price)], third?.maybe];
};

const byFastavro: ReadContainer = (input) => {
  const script = `
import sys, io, json, fastavro
reader = fastavro.reader(io.BytesIO(sys.stdin.buffer.read()))
rows = list(reader)
row = rows[1]
print(json.dumps([reader.writer_schema["name"], len(rows), [str(row["large"]), row["text"], row["list"], str(row["price"])], rows[2]["maybe"]]))
`;
  return JSON.parse(execFileSync(venvPython, ['-c', script], { input, encoding: 'utf8' }));
};

// With fastavro where it is installed, as in CI.
const containerReaders: readonly [string, ReadContainer][] = [
  ['the specification', bySpecification],
  ...(existsSync(venvPython) ? [['fastavro', byFastavro] satisfies [string, ReadContainer]] : []),
];

test.each(containerReaders)(
  'an object container file is read by %s, with its schema and every record',
  async (_, read) => {
    // several blocks
    const many = Array.from({ length: 20_000 }, (__, n) => recordOf(n % 100));
    const second = ['9007199254740993', 'text 1 é', [1, 2], '12.34'];
    expect(read(await encode('avro', many))).toEqual(['item', 20_000, second, null]);
  },
);

describe('a Parquet file', () => {
  const rowsOf = async () => {
    const file = await encode('parquet');
    const buffer = file.buffer.slice(file.byteOffset, file.byteOffset + file.length) as ArrayBuffer;
    return { buffer, rows: await parquetReadObjects({ file: buffer }) };
  };

  test('has every record, with all digits of its longs', async () => {
    const { rows } = await rowsOf();
    expect(rows).toHaveLength(3);
    expect(rows[0]).toMatchObject({
      text: 'text 1 é',
      flag: false,
      small: -1,
      large: 9_007_199_254_740_993n,
      single: 0.5,
      exact: 0.1,
      kind: 'B',
      maybe: 1n,
      at: new Date(1_764_000_000_001),
      day: new Date(20_001 * 86_400_000),
      price: 12.34,
    });
    expect(rows[1]).toMatchObject({ maybe: null, flag: true, kind: 'A' });
  });

  test('has arrays, records and other unions as JSON', async () => {
    const { rows } = await rowsOf();
    const json = (row: Record<string, unknown>) =>
      [row.list, row.inner, row.either].map((text) => JSON.parse(String(text)) as unknown);
    expect(rows.map(json)).toEqual([1, 2, 3].map((n) => [[n, n + 1], { x: n }, n === 1 ? 'one' : n]));
  });

  test('names its columns as the fields, optional where the schema allows null', async () => {
    const { buffer } = await rowsOf();
    const [, ...columns] = parquetMetadata(buffer).schema;
    expect(columns.map(({ name }) => name)).toEqual(Object.keys(itemOf(1)));
    expect(columns.filter(({ repetition_type }) => repetition_type === 'OPTIONAL').map(({ name }) => name)).toEqual([
      'maybe',
    ]);
  });
});
