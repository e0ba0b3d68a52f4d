import { AvroSchemaCodec } from '../../../runtime/engine/avro-message';
import { ReaderProjection } from '../../../runtime/engine/reader-projection';

const place = { type: 'record', name: 'Place', fields: [{ name: 'zip', type: 'int' }] };
const writer = new AvroSchemaCodec({
  type: 'record',
  name: 'Written',
  namespace: 'up.stream',
  fields: [
    { name: 'id', type: 'int' },
    { name: 'nick', type: ['null', 'string'] },
    { name: 'secret', type: 'string' },
    { name: 'homes', type: { type: 'array', items: place } },
    { name: 'byName', type: { type: 'map', values: { type: 'array', items: 'int' } } },
  ],
});
const record = { id: 7, nick: null, secret: 's', homes: [{ zip: 1 }], byName: { a: [1, 2] } };

function projectionTo(reader: object | undefined) {
  const requested: string[] = [];
  let failures = 0;
  const schemas = {
    schemaOf: async (fingerprint: string) => {
      requested.push(fingerprint);
      if (failures-- > 0) throw new Error('unavailable');
      return writer.schema;
    },
  };
  const projection = new ReaderProjection(reader as ConstructorParameters<typeof ReaderProjection>[0], schemas);
  const fail = (times: number) => {
    failures = times;
  };
  const payload = writer.encode(record) ?? Buffer.of();
  return { requested, fail, read: async () => (await projection.read(payload)).value };
}

const fields = (...all: readonly object[]) => ({ type: 'record', name: 'Read', fields: all });

test('reads a record as written without a reader schema, nulls included', async () => {
  expect(await projectionTo(undefined).read()).toEqual(record);
});

test('drops the fields that the reader does not name, and keeps a null', async () => {
  const { read } = projectionTo(fields({ name: 'nick', type: ['null', 'string'] }));
  expect(await read()).toEqual({ nick: null });
});

test('promotes numbers and fills in defaults', async () => {
  const { read } = projectionTo(fields({ name: 'id', type: 'double' }, { name: 'age', type: 'int', default: 3 }));
  expect(await read()).toEqual({ id: 7, age: 3 });
});

test('ignores the names of nested records', async () => {
  const home = { type: 'record', name: 'Home', fields: [{ name: 'zip', type: 'long' }] };
  const { read } = projectionTo(fields({ name: 'homes', type: { type: 'array', items: home } }));
  expect(await read()).toEqual({ homes: [{ zip: 1 }] });
});

test('projects the values of maps', async () => {
  const values = { type: 'array', items: 'long' };
  const { read } = projectionTo(fields({ name: 'byName', type: { type: 'map', values } }));
  expect(await read()).toEqual({ byName: { a: [1, 2] } });
});

test('refuses a record whose schema does not resolve: it is never read as written', async () => {
  await expect(projectionTo(fields({ name: 'id', type: 'string' })).read()).rejects.toMatchObject({
    code: 'schema-incompatible',
    message: "the reader's schema cannot read the record: id: the writer has int, the reader string",
  });
});

test('reads a record as written by a placeholder: a schema that names none of its fields', async () => {
  const { read } = projectionTo(fields({ name: 'necessary', type: 'string' }));
  expect(await read()).toEqual(record);
});

test('renders a record by the schema of the reader', async () => {
  const reader = fields({ name: 'id', type: 'long' }, { name: 'nick', type: ['null', 'string'] });
  const projection = new ReaderProjection(reader, { schemaOf: async () => writer.schema });
  expect((await projection.read(writer.encode(record) ?? Buffer.of())).json()).toBe('{"id":7,"nick":null}');
});

test('requests a schema once, and again after a failed request', async () => {
  const { read, requested, fail } = projectionTo(undefined);
  fail(1);
  await expect(read()).rejects.toThrow('unavailable');
  await read();
  await read();
  expect(requested).toEqual([writer.fingerprint, writer.fingerprint]);
});
