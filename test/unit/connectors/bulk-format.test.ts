import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
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

describe('an object container file', () => {
  const withFastavro = existsSync(venvPython) ? test : test.skip;

  withFastavro('is read by fastavro, with its schema and every record', async () => {
    const many = Array.from({ length: 2_000 }, (_, n) => recordOf(n % 100));
    const script = `
import sys, io, json, fastavro
reader = fastavro.reader(io.BytesIO(sys.stdin.buffer.read()))
rows = list(reader)
print(json.dumps([reader.writer_schema["name"], len(rows), rows[1]["large"], rows[1]["text"], rows[1]["list"], str(rows[1]["price"]), rows[2]["maybe"]]))
`;
    const input = await encode('avro', many);
    const output = execFileSync(venvPython, ['-c', script], { input, encoding: 'utf8' });
    expect(JSON.parse(output.replace('9007199254740993', '"9007199254740993"'))).toEqual([
      'item',
      2_000,
      '9007199254740993',
      'text 1 é',
      [1, 2],
      '12.34',
      null,
    ]);
  });
});

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
