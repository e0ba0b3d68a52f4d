import { S3StoredObjects } from '../../../../runtime/adapters/s3/s3-stored-objects';
import { TestS3Server } from '../../../support/test-s3-server';

const server = new TestS3Server();

beforeAll(() => server.start());
afterAll(() => server.stop());

test('a text is stored and read by its URI', async () => {
  server.fill('kept', {});
  const objects = new S3StoredObjects({ addr: server.address, user: 'u', password: 'p' }, 100);
  await objects.put('s3://kept/a/ö.json', '{"é":1}', 'application/json');
  expect(await objects.get('s3://kept/a/ö.json')).toBe('{"é":1}');
  await objects.close();
});

test.each([
  ['s3://kept/none', 'none'],
  ['s3://missing/x', 'missing'],
  ['s3://kept', 'expected s3://BUCKET/KEY'],
  ['http://x/y', 'expected s3://BUCKET/KEY'],
])('%s is refused for good', async (uri, message) => {
  const objects = new S3StoredObjects({ addr: server.address, user: 'u', password: 'p' }, 100);
  await expect(objects.get(uri)).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringContaining(message),
  });
  await objects.close();
});

test('a controller without an object store says which setting is missing', async () => {
  await expect(new S3StoredObjects(undefined, 100).get('s3://a/b')).rejects.toMatchObject({ code: 'setting-missing' });
});
