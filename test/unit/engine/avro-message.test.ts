import { AvroSchemaCodec, fingerprintOf, writerOf } from '../../../runtime/engine/avro-message';

const person = {
  type: 'record',
  name: 'person',
  fields: [
    { name: 'name', type: 'string' },
    { name: 'born', type: 'long' },
    { name: 'nick', type: ['null', 'string'], default: null },
    { name: 'photo', type: 'bytes' },
    { name: 'home', type: { type: 'record', name: 'home', fields: [{ name: 'zip', type: 'int' }] } },
  ],
};
const ada = { name: 'Ada', born: -4860864000000, nick: null, photo: Buffer.from([1, 2]), home: { zip: 7 } };

function encode(codec: AvroSchemaCodec, record: unknown): Uint8Array {
  const message = codec.encode(record);
  if (message === undefined) throw new Error(codec.misfit(record));
  return message;
}

test('gives back the record it was given', () => {
  const codec = new AvroSchemaCodec(person);
  expect(codec.decode(encode(codec, ada))).toEqual(ada);
  expect(writerOf(encode(codec, ada))).toBe(codec.fingerprint);
});

test('has the fingerprint that the Avro specification gives the schema "int"', () => {
  // test vector of the Avro project: "int" has the fingerprint 7275d51a3f395c8f, written little-endian
  expect(fingerprintOf({ type: 'int' })).toBe('8f5c393f1ad57572');
});

test('keeps longs beyond 2^53 exact', () => {
  const codec = new AvroSchemaCodec(person);
  const late = { ...ada, born: 9_007_199_254_740_993n };
  expect(codec.decode(encode(codec, late))).toEqual(late);
});

test.each([2 ** 53, 1.5, 2n ** 63n, -(2n ** 63n) - 1n])(
  'refuses a long that is not exact or has more than 64 bits: %s',
  (born) => {
    const codec = new AvroSchemaCodec(person);
    expect(codec.encode({ ...ada, born })).toBeUndefined();
    expect(codec.misfit({ ...ada, born })).toMatch(/^born: expected long, got/);
  },
);

test.each([2n ** 63n - 1n, -(2n ** 63n)])('keeps the longest longs exact: %s', (born) => {
  const codec = new AvroSchemaCodec(person);
  expect(codec.decode(encode(codec, { ...ada, born }))).toEqual({ ...ada, born });
});

test('decodes exact longs by the schema of a reader', () => {
  const reader = new AvroSchemaCodec({ type: 'record', name: 'person', fields: [{ name: 'born', type: 'long' }] });
  const writer = new AvroSchemaCodec(person);
  const born = 2n ** 60n;
  expect(writer.readAs(reader)(encode(writer, { ...ada, born }))).toEqual({ born });
});

test('encodes records larger than its buffer, and small ones after', () => {
  const codec = new AvroSchemaCodec(person);
  const large = { ...ada, name: 'x'.repeat(5_000_000) };
  expect((codec.decode(encode(codec, large)) as typeof ada).name).toHaveLength(5_000_000);
  expect(codec.decode(encode(codec, ada))).toEqual(ada);
});

test.each([
  [{ ...ada, name: 3 }, 'name: expected string, got number 3; use String(value)'],
  [{ ...ada, home: { zip: 'x' } }, 'home.zip: expected int, got string "x"'],
  [{ ...ada, age: 3 }, 'age: not a field of the record person'],
  [{ name: 'Ada' }, 'born: missing, and the schema has no default'],
  ['Ada', 'expected record person, got string "Ada"'],
])('names the first field that does not fit: %#', (record, text) => {
  const codec = new AvroSchemaCodec(person);
  expect(codec.encode(record)).toBeUndefined();
  expect(codec.misfit(record)).toContain(text);
});

test('refuses a message that is cut short', () => {
  const codec = new AvroSchemaCodec(person);
  expect(() => codec.decode(encode(codec, ada).subarray(0, 15))).toThrow(/does not decode/);
});

test('refuses a message with unread bytes', () => {
  const codec = new AvroSchemaCodec(person);
  expect(() => codec.decode(Buffer.concat([encode(codec, ada), Buffer.of(0)]))).toThrow(/1 unread bytes/);
});

test.each(['', 'c3', 'c301', 'c30100000000000000', 'c202000000000000000000'])(
  'refuses a message that is not Avro: %s',
  (hex) => {
    expect(() => writerOf(Buffer.from(hex, 'hex'))).toThrow('message is not an Avro single-object encoding');
  },
);
