import { SchemaRegistry } from '../../../runtime/adapters/jetstream/schema-registry';
import { fingerprintOf } from '../../../runtime/engine/avro-message';
import { JetStreamPlace } from './jetstream-place';

let place: JetStreamPlace;
let buckets = 0;

beforeAll(async () => {
  place = await JetStreamPlace.start();
});
afterAll(() => place.close());

/** Opens registries of a new bucket, each as a replica of a flow does. */
async function newBucket(): Promise<(flow: string) => Promise<SchemaRegistry>> {
  const bucket = `schemas-${++buckets}`;
  await place.connection.jetstream().views.kv(bucket);
  return (flow) => SchemaRegistry.open(place.connection, bucket, flow);
}

const price = (scale: number) => {
  const decimal = { type: 'bytes', logicalType: 'decimal', precision: 9, scale };
  return { type: 'record', name: 'price', fields: [{ name: 'p', type: decimal }] };
};

test('a reader finds the schema that a writer of any flow published', async () => {
  const open = await newBucket();
  const schema = price(2);
  const fingerprint = fingerprintOf(schema);
  await (await open('default.one')).publish(fingerprint, schema);
  expect(await (await open('default.two')).schemaOf(fingerprint)).toEqual(schema);
  await expect((await open('default.two')).schemaOf('0000000000000000')).rejects.toMatchObject({
    code: 'store-failed',
  });
});

test('schemas of one fingerprint that differ in the scale of decimals are kept apart by flow', async () => {
  const open = await newBucket();
  const fingerprint = fingerprintOf(price(2));
  expect(fingerprintOf(price(4))).toBe(fingerprint);
  await (await open('default.cents')).publish(fingerprint, price(2));
  await (await open('default.mills')).publish(fingerprint, price(4));
  expect(await (await open('default.cents')).schemaOf(fingerprint)).toEqual(price(2));
  expect(await (await open('default.mills')).schemaOf(fingerprint)).toEqual(price(4));
});

test('a default of 64 bits keeps its digits', async () => {
  const open = await newBucket();
  const schema = '{"type":"record","name":"r","fields":[{"name":"n","type":"long","default":9223372036854775807}]}';
  const fingerprint = fingerprintOf(schema);
  await (await open('default.one')).publish(fingerprint, schema);
  expect(await (await open('default.two')).schemaOf(fingerprint)).toBe(schema);
});
