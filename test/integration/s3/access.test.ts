import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ObjectStoreOptions, S3ObjectStore } from '../../../runtime/adapters/s3/object-store';
import { addressInRegion } from '../../../runtime/adapters/s3/s3-address';
import { type OwnCertificate, ownCa } from '../../support/own-ca';
import { type TestS3Options, TestS3Server } from '../../support/test-s3-server';

const directory = mkdtempSync(join(tmpdir(), 'kflow-s3-access-'));
const opened: { close(): Promise<unknown> }[] = [];

afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function serve(options: TestS3Options): Promise<TestS3Server> {
  const server = new TestS3Server(options);
  await server.start();
  server.fill('inbox', { 'a.txt': 'hello' });
  server.fill('other', { 'b.txt': 'hello' });
  opened.push({ close: () => server.stop() });
  return server;
}

function connect(options: Partial<ObjectStoreOptions> & Pick<ObjectStoreOptions, 'addr'>): S3ObjectStore {
  const store = new S3ObjectStore({ user: 'u', password: 'p', ...options });
  opened.push(store);
  return store;
}

const read = async (store: S3ObjectStore) => Buffer.from(await store.get('inbox', 'a.txt')).toString();

describe('the region', () => {
  it('is the one that the server names, and is remembered', async () => {
    const server = await serve({ region: 'eu-central-1' });
    const store = connect({ addr: server.address });
    expect(await read(store)).toBe('hello');
    expect(await read(store)).toBe('hello');
    expect(server.requests).toHaveLength(3);
  });

  it('may differ between the buckets of a server', async () => {
    const server = await serve({});
    const regions: { [bucket: string]: string } = { inbox: 'eu-central-1', other: 'ap-south-1' };
    server.fault = ({ bucket, headers }, response) => {
      const region = regions[bucket] ?? '';
      if (headers.authorization?.includes(`/${region}/`) === true) return false;
      response.writeHead(301, { 'content-type': 'application/xml', 'x-amz-bucket-region': region });
      response.end('<Error><Code>PermanentRedirect</Code></Error>');
      return true;
    };
    const store = connect({ addr: server.address });
    await Promise.all([store.get('inbox', 'a.txt'), store.get('other', 'b.txt'), store.get('inbox', 'a.txt')]);
    expect(await read(store)).toBe('hello');
  });

  it('that is given is used at once', async () => {
    const server = await serve({ region: 'eu-central-1' });
    expect(await read(connect({ addr: server.address, region: 'eu-central-1' }))).toBe('hello');
    expect(server.requests).toHaveLength(1);
  });

  it('that is given and wrong is an error that names the right one', async () => {
    const server = await serve({ region: 'eu-central-1' });
    await expect(read(connect({ addr: server.address, region: 'us-west-2' }))).rejects.toMatchObject({
      code: 'setting-invalid',
      message: expect.stringContaining('the region of inbox is eu-central-1, not us-west-2; correct "region"'),
    });
  });

  it('that a server names again and again is an error', async () => {
    const server = await serve({});
    let count = 0;
    server.fault = (_, response) => {
      response.writeHead(400, { 'content-type': 'application/xml' });
      response.end(`<Error><Code>AuthorizationHeaderMalformed</Code><Region>r-${++count}</Region></Error>`);
      return true;
    };
    await expect(read(connect({ addr: server.address }))).rejects.toMatchObject({ reason: 'refused' });
    expect(server.requests).toHaveLength(4);
  });
});

describe('a clock', () => {
  it.each([-20, 20])('that is %d minutes off is corrected', async (minutes) => {
    const server = await serve({ clockOffsetMs: minutes * 60_000 });
    const store = connect({ addr: server.address });
    await store.put('inbox', 'b.txt', Buffer.from('v'));
    expect(await read(store)).toBe('hello');
    expect(server.requests).toHaveLength(3);
  });

  it('that is off, with a region that is unknown, is corrected too', async () => {
    const server = await serve({ clockOffsetMs: 3_600_000, region: 'eu-north-1' });
    expect(await read(connect({ addr: server.address }))).toBe('hello');
  });
});

describe('credentials', () => {
  it('may have a session token', async () => {
    const server = await serve({ sessionToken: 'token-1' });
    expect(await read(connect({ addr: server.address, sessionToken: 'token-1' }))).toBe('hello');
  });

  it('with an invalid session token are refused, without a retry and without showing it', async () => {
    const server = await serve({ sessionToken: 'token-1' });
    const failure = read(connect({ addr: server.address, sessionToken: 'old-token' }));
    await expect(failure).rejects.toMatchObject({
      reason: 'access-denied',
      message: expect.stringContaining('the session token is invalid or has expired'),
    });
    await expect(failure).rejects.not.toMatchObject({ message: expect.stringContaining('old-token') });
    expect(server.requests).toHaveLength(1);
  });

  it('come from the environment when none are given', async () => {
    const server = await serve({ sessionToken: 'from-env' });
    const names = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'] as const;
    const before = names.map((name) => process.env[name]);
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 's', AWS_SESSION_TOKEN: 'from-env' });
    try {
      expect(await read(connect({ addr: server.address, user: undefined, password: undefined }))).toBe('hello');
    } finally {
      for (const [index, name] of names.entries()) {
        if (before[index] === undefined) delete process.env[name];
        else process.env[name] = before[index];
      }
    }
    expect(server.requests[0]?.headers.authorization).toContain('Credential=a/');
  });
});

describe('a certificate', () => {
  const file = (name: string) => join(directory, name);
  let tls: OwnCertificate;

  beforeAll(() => {
    tls = ownCa(directory);
  });

  it('of an own CA is trusted when the CA is given, as text or as a file', async () => {
    const server = await serve({ tls });
    expect(await read(connect({ addr: server.address, ca: tls.ca }))).toBe('hello');
    expect(await read(connect({ addr: server.address, ca: file('ca.crt') }))).toBe('hello');
  });

  it('of an unknown CA is refused at once, with the remedy', async () => {
    const server = await serve({ tls });
    await expect(read(connect({ addr: server.address }))).rejects.toMatchObject({
      reason: 'refused',
      message: expect.stringContaining('name its CA with "ca" beside "addr"'),
    });
    expect(server.requests).toEqual([]);
  });

  it.each([
    ['a file that does not exist', () => file('none.crt'), 'cannot read the file'],
    ['a file without a certificate', () => file('ca.key'), 'contains no certificate'],
  ])('cannot come from %s', (_, ca, message) => {
    expect(() => new S3ObjectStore({ addr: 'https://s3', user: 'u', password: 'p', ca: ca() })).toThrow(message);
  });

  it('is missing on a server without TLS', async () => {
    const server = await serve({});
    const store = connect({ addr: server.address.replace('http:', 'https:'), retryForMs: 0 });
    await expect(read(store)).rejects.toMatchObject({ message: expect.stringContaining('does not speak TLS') });
  });
});

describe('an address', () => {
  it.each([
    ['minio:9000', 'http://minio:9000'],
    ['https://s3.example.org/', 'https://s3.example.org'],
    ['https://example.org/s3/', 'https://example.org/s3'],
    ['[::1]:9000', 'http://[::1]:9000'],
  ])('%s is read as %s', (addr, address) => {
    expect(new S3ObjectStore({ addr, user: 'u', password: 'p' }).address).toBe(address);
  });

  it.each(['http://', 'https://s3?x=1', 'https://s3#x', 'https://root:secret-1@s3'])('%s is invalid', (addr) => {
    const open = () => new S3ObjectStore({ addr, user: 'u', password: 'p' });
    expect(open).toThrow('must be host:port');
    expect(open).not.toThrow('secret-1');
  });

  it('may be an IPv6 address', async () => {
    const server = await serve({ host: '::1' });
    expect(await read(connect({ addr: `[::1]:${server.port}` }))).toBe('hello');
  });

  it('may have a path', async () => {
    const server = await serve({});
    server.fault = ({ bucket, key }, response) => {
      const isObject = bucket === 'gateway' && key === 'inbox/a.txt';
      if (isObject) response.setHeader('last-modified', new Date(0).toUTCString()).end('hello');
      return isObject;
    };
    expect(await read(connect({ addr: `${server.address}/gateway` }))).toBe('hello');
  });

  it('has the bucket as part of the host with pathStyle: false', async () => {
    const unknownHost = { addr: 's3.invalid:9000', retryForMs: 0 };
    await expect(read(connect({ ...unknownHost, pathStyle: false }))).rejects.toThrow(/ inbox\.s3\.invalid\)/);
    await expect(read(connect(unknownHost))).rejects.toThrow(/ s3\.invalid\)/);
  });

  it.each([
    ['https://s3.amazonaws.com', 'eu-central-1', 'https://s3.eu-central-1.amazonaws.com'],
    ['https://s3.us-west-2.amazonaws.com', 'us-west-2', 'https://s3.us-west-2.amazonaws.com'],
    ['https://s3.us-west-2.amazonaws.com', 'ap-south-1', 'https://s3.ap-south-1.amazonaws.com'],
    ['https://s3.cn-north-1.amazonaws.com.cn', 'cn-northwest-1', 'https://s3.cn-northwest-1.amazonaws.com.cn'],
    ['http://minio:9000', 'eu-central-1', 'http://minio:9000'],
  ])('%s is, in the region %s, %s', (address, region, expected) => {
    expect(addressInRegion(address, region)).toBe(expected);
  });
});
