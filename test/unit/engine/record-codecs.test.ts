import type { AvroSchemaCodec } from '../../../runtime/engine/avro-message';
import { RecordCodecs } from '../../../runtime/engine/record-codecs';

const schemaOf = (field: string) => ({ type: 'record', name: 'r', fields: [{ name: field, type: 'long' }] });

function encoded(codec: AvroSchemaCodec, record: object): Uint8Array {
  const payload = codec.encode(record);
  if (payload === undefined) throw new Error('the record does not match the schema');
  return payload;
}

test('each message is decoded with the schema of its writer, which is read once', async () => {
  const writers = new RecordCodecs({ schemaOf: () => Promise.reject(new Error('not read')) });
  const [first, second] = [writers.add(schemaOf('n')), writers.add(schemaOf('m'))];
  const read: string[] = [];
  const readers = new RecordCodecs({
    schemaOf: async (fingerprint) => {
      read.push(fingerprint);
      return fingerprint === first.fingerprint ? schemaOf('n') : schemaOf('m');
    },
  });
  const ofSecond = encoded(second, { m: 2 });
  const payloads = [encoded(first, { n: 1 }), ofSecond, encoded(first, { n: 3 })];
  expect(readers.known(ofSecond)).toBeUndefined();
  const decoded = [];
  for (const payload of payloads) decoded.push((await readers.of(payload)).decode(payload));
  expect(decoded).toEqual([{ n: 1 }, { m: 2 }, { n: 3 }]);
  expect(read).toEqual([first.fingerprint, second.fingerprint]);
  expect(readers.known(ofSecond)?.fingerprint).toBe(second.fingerprint);
});
