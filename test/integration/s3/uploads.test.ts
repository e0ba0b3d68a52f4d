import { S3ObjectStore } from '../../../runtime/adapters/s3/object-store';
import { S3Stage } from './s3-stage';

const stage = new S3Stage();
const { server } = stage;

test('an object whose progress is told is stored with its type, and told in steps of a percentage', async () => {
  const lines: string[] = [];
  const log = (level: string, text: string) => lines.push(`${level} ${text}`);
  const progress = { stepPercent: 25, log };
  const store = new S3ObjectStore({ addr: server.address, user: 'u', password: 'p', progress });
  await store.ensureBucket('outbox');
  const body = Buffer.from('0123456789abcdef'.repeat(16 * 1024));
  await store.put('outbox', 'a/big', body, 'application/json');
  expect(Buffer.from(await stage.store.get('outbox', 'a/big')).equals(body)).toBe(true);
  expect(lines).toEqual(
    [25, 50, 75, 100].map((percent) => `INFO upload of outbox/a/big: ${percent} % of ${body.length} bytes`),
  );
  await store.put('outbox', 'a/empty', Buffer.alloc(0));
  expect((await stage.store.get('outbox', 'a/empty')).length).toBe(0);
  await store.close();
});
