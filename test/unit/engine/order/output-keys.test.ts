import type { OutputSpec } from '../../../../lib/plan/function-spec';
import { AvroSchemaCodec } from '../../../../runtime/engine/avro-message';
import { OutputKeys } from '../../../../runtime/engine/order/output-keys';
import { keyOfValue, partitionOf } from '../../../../runtime/engine/order/record-key';

const written = new AvroSchemaCodec({
  type: 'record',
  name: 'order',
  fields: [
    { name: 'customer', type: ['null', 'string', 'long', 'bytes'] },
    { name: 'amount', type: 'double' },
  ],
});

function outputWith(by?: string): OutputSpec {
  const partitions = { count: 16, ...(by === undefined ? {} : { by }) };
  return { stream: 's', subject: 's.out', maxMsgs: 1, maxBytes: 1, dedupeWindowMs: 1, durables: [], partitions };
}

function recordOf(customer: unknown): Uint8Array {
  const payload = written.encode({ customer, amount: 1 });
  if (payload === undefined) throw new Error('the record does not fit');
  return payload;
}

let keys: OutputKeys;
let reads: string[];
beforeEach(() => {
  reads = [];
  keys = new OutputKeys({
    schemaOf: async (fingerprint) => {
      reads.push(fingerprint);
      return written.schema;
    },
  });
});

const messageOf = (by: string | undefined, id: string, payload: Uint8Array, headers?: { [name: string]: string }) =>
  keys.messageOf(outputWith(by), { id, payload, headers });

test('gives records with the same value of the field the same key and partition', async () => {
  const [one, same, other] = [
    await messageOf('customer', 'a:0', recordOf('eva')),
    await messageOf('customer', 'b:0', recordOf('eva')),
    await messageOf('customer', 'c:0', recordOf('tom')),
  ];
  const key = one.headers?.['Kflow-Key'] ?? '';
  expect(key).toMatch(/^[\w-]{11}$/);
  expect(one).toMatchObject({ id: 'a:0', subject: `s.out.${partitionOf(key, 16)}` });
  expect([same.subject, same.headers]).toEqual([one.subject, one.headers]);
  expect(other.headers?.['Kflow-Key']).not.toBe(key);
});

test('takes null, longs and bytes as keys, and keeps other headers', async () => {
  const values = [null, 7n, 7, Buffer.from('eva')];
  const found = await Promise.all(values.map((value) => messageOf('customer', 'a:0', recordOf(value), { trace: 't' })));
  const all = found.map(({ headers }) => headers?.['Kflow-Key']);
  expect(all[1]).toBe(all[2]);
  expect(new Set(all).size).toBe(3);
  expect(found[0]?.headers).toMatchObject({ trace: 't' });
});

test('reads a schema once', async () => {
  await messageOf('customer', 'a:0', recordOf('eva'));
  expect(messageOf('customer', 'a:0', recordOf('eva'))).not.toBeInstanceOf(Promise);
  expect(reads).toEqual([written.fingerprint]);
});

test('passes on the key of the record that the output was made of', () => {
  const key = keyOfValue('eva');
  const message = messageOf(undefined, 'a:0', recordOf('tom'), { 'Kflow-Key': key });
  expect(message).toMatchObject({ subject: `s.out.${partitionOf(key, 16)}`, headers: { 'Kflow-Key': key } });
});

test('spreads records without a key by their ids', () => {
  const subjects = Array.from({ length: 200 }, (_, index) => messageOf(undefined, `a:${index}`, recordOf('tom')));
  expect(new Set(subjects.map((message) => ('subject' in message ? message.subject : ''))).size).toBe(16);
});

test('refuses a record without the field', async () => {
  await expect(messageOf('custmer', 'a:0', recordOf('eva'))).rejects.toThrow(
    'the record has no field "custmer", which partitionBy makes its key',
  );
});

test('spreads keys evenly, and always in the same way', () => {
  const partitions = Array.from({ length: 16_000 }, (_, n) => partitionOf(keyOfValue(n), 16));
  const counts = Array.from({ length: 16 }, (_, partition) => partitions.filter((each) => each === partition).length);
  expect(Math.min(...counts)).toBeGreaterThan(850);
  expect([keyOfValue('eva'), partitionOf(keyOfValue('eva'), 16)]).toEqual(['ArFe-HViZ2o', 11]);
});
