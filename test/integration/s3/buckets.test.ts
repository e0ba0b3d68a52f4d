import type { PlanSettings } from '../../../lib/plan/plan-connections';
import { S3Buckets, type S3BucketsOptions } from '../../../runtime/adapters/s3/s3-buckets';
import type { ReplicaLinks } from '../../../runtime/replica/links';
import { makeBuckets } from '../../../runtime/replica/make-buckets';
import { openObjectStore } from '../../../runtime/replica/resolve-endpoint';
import { TestS3Server } from '../../support/test-s3-server';
import { planOf, specOf } from '../../unit/plan/planned';

const server = new TestS3Server({ region: 'eu-central-1', sessionToken: 'token-1' });

beforeAll(() => server.start());
afterAll(() => server.stop());
beforeEach(() => {
  server.buckets.clear();
  server.requests.length = 0;
});

const planOfSink = (access: string, settings: PlanSettings = {}) =>
  planOf(
    `
jobId: job
dag:
  - { id: read, type: raw-source, schema: {type: record, name: r, fields: []}, meta: {name: f, code: f}, out: [write] }
  - { id: write, type: s3-sink, topics: "s3a://results", addr: "${server.address}", ${access} }
`,
    { hasClusterSecrets: true, ...settings },
  );

async function ensured(access: string, options: Partial<S3BucketsOptions> = {}): Promise<readonly string[]> {
  await new S3Buckets({ makesSources: false, retryForMs: 0, ...options }).ensure(planOfSink(access));
  return [...server.buckets.keys()];
}

test('creates the bucket of a sink in its region, with its session token', async () => {
  expect(await ensured('user: u, password: p, sessionToken: token-1')).toEqual(['results']);
  expect(server.requests.at(-1)?.body.toString()).toContain('<LocationConstraint>eu-central-1</LocationConstraint>');
});

test('opens the store of a bucket once, however often steps ask for it', async () => {
  const plan = planOfSink('user: u, password: p');
  const stores = new S3Buckets({ makesSources: false }).open(plan);
  const [bucket] = plan.buckets;
  if (bucket === undefined) throw new Error('the plan has no bucket');
  expect(stores.of(bucket)).toBe(stores.of(bucket));
  await stores.close();
});

test.each([
  ['whose credentials are in a Secret of the cluster', 'secret: minio'],
  ['that the pods reach with their own identity', 'auth: environment'],
  ['whose CA is a file of the pods', 'user: u, password: p, ca: /nowhere/ca.crt'],
])('leaves out a store %s', async (_, access) => {
  expect(await ensured(access)).toEqual([]);
  expect(server.requests).toEqual([]);
});

test('creates the bucket with the credentials of the environment that the functions share', async () => {
  const credentials = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 's', AWS_SESSION_TOKEN: 'token-1' };
  const before = { ...process.env };
  Object.assign(process.env, credentials);
  try {
    expect(await ensured('auth: environment', { sharesEnvironment: true })).toEqual(['results']);
  } finally {
    for (const name of Object.keys(credentials)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  }
});

test('a replica of manifests that make buckets creates that of its sink, with the credentials of its pod', async () => {
  const env = { KFLOW_ADDR_USER: 'u', KFLOW_ADDR_PASSWORD: 'p', KFLOW_ADDR_SESSION_TOKEN: 'token-1' };
  const context = { environment: { env, nats: { url: 'nats://own:4222' }, replica: 0 }, log: () => undefined };
  const objectStore: ReplicaLinks['objectStore'] = (connection) => openObjectStore(connection, context);
  const access = 'secret: minio, secretKeys: [sessionToken]';
  const made = async (settings: PlanSettings) => {
    const spec = specOf(planOfSink(access, settings), 'write');
    await makeBuckets({ spec, links: { objectStore } as ReplicaLinks, log: () => undefined });
    return [...server.buckets.keys()];
  };
  expect(await made({})).toEqual([]);
  expect(await made({ makesBuckets: true })).toEqual(['results']);
  // and again when it exists
  expect(await made({ makesBuckets: true })).toEqual(['results']);
});
