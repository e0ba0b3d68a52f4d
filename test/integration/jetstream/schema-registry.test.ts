import { SchemaRegistry } from '../../../runtime/adapters/jetstream/schema-registry';
import { fingerprintOf } from '../../../runtime/engine/avro-message';
import { JetStreamPlace } from './jetstream-place';

let place: JetStreamPlace;
let flows = 0;

beforeAll(async () => {
  place = await JetStreamPlace.start();
});
afterAll(() => place.close());

/** Opens registries of a new flow, each as a replica of the flow does. */
async function newFlow(jobId = `job${++flows}`): Promise<() => Promise<SchemaRegistry>> {
  const owner = { namespace: 'default', jobId, stateBucket: `kflow_default_${jobId}__state` };
  await place.connection.jetstream().views.kv(owner.stateBucket);
  return () => SchemaRegistry.open(place.connection, owner);
}

const price = (scale: number) => {
  const decimal = { type: 'bytes', logicalType: 'decimal', precision: 9, scale };
  return { type: 'record', name: 'price', fields: [{ name: 'p', type: decimal }] };
};

/** Publishes in the bucket of earlier versions, which all flows shared. */
async function publishShared(key: string, schema: object): Promise<void> {
  const shared = await place.connection.jetstream().views.kv('kflow_schemas');
  await shared.put(key, JSON.stringify(schema));
}

test('a reader finds the schema that a writer of its flow published, and none of another flow', async () => {
  const [open, openOther] = [await newFlow(), await newFlow()];
  const schema = price(2);
  const fingerprint = fingerprintOf(schema);
  await (await open()).publish(fingerprint, schema);
  expect(await (await open()).schemaOf(fingerprint)).toEqual(schema);
  await expect((await openOther()).schemaOf(fingerprint)).rejects.toMatchObject({
    code: 'store-failed',
    message: `the bucket kflow_default_job2__state has no schema with the fingerprint ${fingerprint}`,
  });
});

test('a schema of one fingerprint with another scale of decimals replaces the earlier one', async () => {
  const open = await newFlow();
  const fingerprint = fingerprintOf(price(2));
  expect(fingerprintOf(price(4))).toBe(fingerprint);
  await (await open()).publish(fingerprint, price(2));
  await (await open()).publish(fingerprint, price(4));
  expect(await (await open()).schemaOf(fingerprint)).toEqual(price(4));
});

test('schemas of earlier revisions stay', async () => {
  const open = await newFlow();
  const schemas = ['a', 'b'].map((name) => ({ type: 'record', name, fields: [] }));
  for (const schema of schemas) await (await open()).publish(fingerprintOf(schema), schema);
  const reader = await open();
  expect(await Promise.all(schemas.map((schema) => reader.schemaOf(fingerprintOf(schema))))).toEqual(schemas);
});

test('a default of 64 bits keeps its digits', async () => {
  const open = await newFlow();
  const schema = '{"type":"record","name":"r","fields":[{"name":"n","type":"long","default":9223372036854775807}]}';
  const fingerprint = fingerprintOf(schema);
  await (await open()).publish(fingerprint, schema);
  expect(await (await open()).schemaOf(fingerprint)).toBe(schema);
});

test('a record that an earlier version wrote is read with its schema of the shared bucket, the own one first', async () => {
  const open = await newFlow('upgraded');
  const old = { type: 'record', name: 'old', fields: [{ name: 'n', type: 'long' }] };
  await publishShared(fingerprintOf(old), old);
  expect(await (await open()).schemaOf(fingerprintOf(old))).toEqual(old);
  const fingerprint = fingerprintOf(price(2));
  await publishShared(fingerprint, price(2));
  await publishShared(`default.upgraded.${fingerprint}`, price(4));
  expect(await (await open()).schemaOf(fingerprint)).toEqual(price(4));
});

test('a schema in the shared bucket that has another fingerprint is not used', async () => {
  const open = await newFlow();
  const asked = { type: 'record', name: 'asked', fields: [{ name: 'n', type: 'long' }] };
  await publishShared(fingerprintOf(asked), { ...asked, fields: [{ name: 'n', type: 'string' }] });
  await expect((await open()).schemaOf(fingerprintOf(asked))).rejects.toMatchObject({ code: 'store-failed' });
});
