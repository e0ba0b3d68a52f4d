import { AvroSchemaCodec } from '../../../runtime/engine/avro-message';
import { StepRecords } from '../../../runtime/steps/step-records';

const field = (name: string, type: unknown) => ({ name, type });
const numbers = { type: 'record', name: 'numbers', fields: [field('n', 'long'), field('raw', ['null', 'bytes'])] };
const words = { type: 'record', name: 'words', fields: [field('word', 'string')] };
const listed = {
  type: 'record',
  name: 's3list',
  fields: [field('bucket', 'string'), field('key', 'string'), field('lastModifiedUnixMilli', 'long')],
};
const file = { bucket: 'dev', key: 'in/a.csv', lastModifiedMs: 5_000 };

const decoded = (schema: object, payload: Uint8Array) => new AvroSchemaCodec(schema).decode(payload);

test.each([
  ['a record', '{"n": 1, "raw": null}', [{ n: 1, raw: null }]],
  ['a list of records', '[{"n": 1, "raw": null}, {"n": 2, "raw": null}]', [1, 2].map((n) => ({ n, raw: null }))],
  ['a record on each line', '{"n": 1, "raw": null}\n\n{"n": 2, "raw": null}\n', [1, 2].map((n) => ({ n, raw: null }))],
  ['a long in full', '{"n": 9007199254740993, "raw": null}', [{ n: 9_007_199_254_740_993n, raw: null }]],
  ['bytes in base64', '{"n": 1, "raw": "AP8="}', [{ n: 1, raw: Buffer.from('00ff', 'hex') }]],
])('reads %s', (_, text, expected) => {
  const found = new StepRecords({ schemas: [numbers] }).ofObject(Buffer.from(text), file);
  expect(found.map(({ payload }) => decoded(numbers, payload))).toEqual(expected);
});

test('gives a record the first schema that it fits', () => {
  const [record] = new StepRecords({ schemas: [numbers, words] }).ofObject(Buffer.from('{"word": "x"}'), file);
  expect(decoded(words, record?.payload ?? Buffer.of())).toEqual({ word: 'x' });
});

test.each([
  ['a value that does not fit', '{"n": "x", "raw": null}', 'n: expected long, got string "x"'],
  ['which record of a list', '[{"n": 1, "raw": null}, {"n": 1}]', '[1]: '],
  ['what is no JSON', 'a,b\n1,2', 'neither JSON of a record, nor of a list of records, nor a record on each line'],
  ['what is no object', '5', 'neither JSON of a record'],
])('names %s', (_, text, message) => {
  expect(() => new StepRecords({ schemas: [numbers] }).ofObject(Buffer.from(text), file)).toThrow(
    expect.objectContaining({ code: 'record-invalid', message: expect.stringContaining(message) }),
  );
});

describe('where a source lists objects', () => {
  const records = new StepRecords({ schemas: [listed], takesFiles: true });

  test.each([
    ['that is no JSON', 'a,b\n1,2'],
    ['of JSON without a field of the records', '{"other": 1}'],
    ['of bytes', Buffer.from('ff00', 'hex')],
  ])('an object %s stands for itself', (_, content) => {
    const [record] = records.ofObject(Buffer.from(content), file);
    expect(record?.json).toEqual({ bucket: 'dev', key: 'in/a.csv', lastModifiedUnixMilli: 5_000 });
  });

  test('a record is a record, also with a mistake', () => {
    const text = '{"bucket": "b", "key": "k", "lastModifiedUnixMilli": 1}';
    expect(records.ofObject(Buffer.from(text), file)[0]?.json).toMatchObject({ bucket: 'b' });
    expect(() => records.ofObject(Buffer.from('{"bucket": "b"}'), file)).toThrow('key: missing');
  });
});
