import { S3ClaimSource } from '../../../../runtime/adapters/s3/s3-message-store';
import { MemoryObjectStore } from '../../../support/memory-object-store';

const claim = (bucket: string, key: string) => ({ bucket, key, bytes: bucket.length + 1 + key.length });

async function storeWith(...objects: readonly (readonly [bucket: string, key: string])[]): Promise<MemoryObjectStore> {
  const store = new MemoryObjectStore();
  for (const [bucket, key] of objects) {
    await store.ensureBucket(bucket);
    await store.put(bucket, key, Buffer.from(`${bucket}/${key}`));
  }
  return store;
}

let source: S3ClaimSource;
beforeEach(async () => {
  const places = [
    ['one', 'left/'],
    ['one', 'right/'],
    ['two', 'left/'],
  ] as const;
  source = new S3ClaimSource(
    await Promise.all(
      places.map(async ([bucket, prefix]) => ({ store: await storeWith([bucket, `${prefix}a`]), bucket, prefix })),
    ),
  );
});

test.each([
  ['one', 'left/a'],
  ['one', 'right/a'],
  ['two', 'left/a'],
])('fetches a payload from the store with its bucket and its prefix: %s/%s', async (bucket, key) => {
  expect(String(await source.fetch(claim(bucket, key)))).toBe(`${bucket}/${key}`);
});

test.each([
  ['one', 'other/a'],
  ['three', 'left/a'],
])('rejects a claim outside the upstream message stores: %s/%s', async (bucket, key) => {
  await expect(source.fetch(claim(bucket, key))).rejects.toMatchObject({
    code: 'config-invalid',
    message: `no upstream message store contains ${bucket}/${key}`,
  });
});

test('rejects an object that does not have the size of its claim', async () => {
  await expect(source.fetch({ ...claim('one', 'left/a'), bytes: 3 })).rejects.toMatchObject({
    code: 'record-invalid',
    message: "one/left/a has 10 bytes, the record's claim 3",
  });
});
