import type { ObjectStore } from '../../runtime/connectors/connector';

/** An object store with the calls that tests use beside those of connectors. */
export interface TestObjectStore extends ObjectStore {
  ensureBucket(bucket: string): Promise<void>;
  get(bucket: string, key: string): Promise<Uint8Array>;
  delete(bucket: string, keys: readonly string[]): Promise<void>;
}

/** Tests that every object store passes. Each test has its own bucket. */
export function describeObjectStore(name: string, open: () => TestObjectStore): void {
  describe(name, () => {
    let count = 0;
    const newBucket = async (...keys: readonly string[]): Promise<string> => {
      const bucket = `contract-${++count}`;
      await open().ensureBucket(bucket);
      for (const key of keys) await open().put(bucket, key, Buffer.from(key));
      return bucket;
    };
    const keysOf = async (bucket: string, prefix?: string): Promise<string[]> => {
      const keys: string[] = [];
      for await (const { key } of open().list(bucket, prefix)) keys.push(key);
      return keys;
    };

    it('lists nothing in an empty bucket', async () => {
      expect(await keysOf(await newBucket())).toEqual([]);
    });

    it('lists the keys that start with a prefix, in byte order', async () => {
      const bucket = await newBucket('in/b', 'in/a/c', 'in.txt', 'in/ä', 'in/a0', 'out');
      expect(await keysOf(bucket, 'in/')).toEqual(['in/a/c', 'in/a0', 'in/b', 'in/ä']);
      expect(await keysOf(bucket)).toEqual(['in.txt', 'in/a/c', 'in/a0', 'in/b', 'in/ä', 'out']);
    });

    it('lists the size, time and etag of an object', async () => {
      const before = Date.now();
      const bucket = await newBucket('an/object');
      for await (const object of open().list(bucket)) {
        expect(object).toMatchObject({ key: 'an/object', size: 9, etag: expect.stringMatching(/^[0-9a-f]{32}$/) });
        // S3 has whole seconds
        expect(object.lastModifiedMs).toBeGreaterThan(before - 1_000);
        expect(object.lastModifiedMs).toBeLessThanOrEqual(Date.now());
      }
    });

    it('overwrites an object, which then has another etag', async () => {
      const bucket = await newBucket('twice');
      const etags = [];
      for await (const { etag } of open().list(bucket)) etags.push(etag);
      await open().put(bucket, 'twice', Buffer.from('again'));
      for await (const { etag } of open().list(bucket)) etags.push(etag);
      expect(new Set(etags).size).toBe(2);
      expect(Buffer.from(await open().get(bucket, 'twice')).toString()).toBe('again');
    });

    it('deletes objects, and ignores keys that do not exist', async () => {
      const bucket = await newBucket('one', 'two', 'three');
      await open().delete(bucket, ['one', 'three', 'four']);
      expect(await keysOf(bucket)).toEqual(['two']);
    });

    it('names a bucket that does not exist in the error of every call', async () => {
      const missing = { code: 'store-failed', reason: 'bucket-missing', message: expect.stringContaining('no-bucket') };
      await expect(keysOf('no-bucket')).rejects.toMatchObject(missing);
      await expect(open().put('no-bucket', 'k', Buffer.from('v'))).rejects.toMatchObject(missing);
      await expect(open().get('no-bucket', 'k')).rejects.toMatchObject(missing);
    });

    it('names an object that does not exist in the error of a read', async () => {
      const missing = { reason: 'object-missing', message: expect.stringContaining('/none') };
      await expect(open().get(await newBucket(), 'none')).rejects.toMatchObject(missing);
    });
  });
}
