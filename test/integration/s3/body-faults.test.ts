import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { saveBucket } from '../../../runtime/adapters/s3/directory-transfer';
import { S3ObjectStore } from '../../../runtime/adapters/s3/object-store';
import { etagOf, objectHeaders, type S3Fault, type S3Request, sendError, sendPage } from '../../support/test-s3-server';
import { S3Stage } from './s3-stage';

const directory = mkdtempSync(join(tmpdir(), 'kflow-body-faults-'));
const body = Buffer.from('hello world');
const stage = new S3Stage();
const { server } = stage;

afterAll(() => rmSync(directory, { recursive: true, force: true }));

beforeEach(() => {
  server.fill('inbox', { 'a.txt': body.toString() });
});

/** Applies a fault to the first reads of an object. */
function onRead(times: number, fault: S3Fault): void {
  server.fault = (request, response) =>
    request.method === 'GET' && request.key !== undefined && request.earlier < times && fault(request, response);
}

const get = async () => Buffer.from(await stage.store.get('inbox', 'a.txt')).toString();
const faulty = (text: string) => ({ reason: 'faulty', message: expect.stringContaining(text) });

const cut: S3Fault = (_, response) => {
  response.writeHead(200, objectHeaders(body));
  response.write(body.subarray(0, 3), () => response.destroy());
  return true;
};
const shorter: S3Fault = (_, response) => {
  response.writeHead(200, { etag: etagOf(body) }).end(body.subarray(0, 3));
  return true;
};
const changed: S3Fault = (_, response) => {
  response.writeHead(200, objectHeaders(body)).end('HELLO WORLD');
  return true;
};
const page: S3Fault = (_, response) => {
  response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Maintenance</html>');
  return true;
};
const range: S3Fault = (_, response) => {
  const headers = { ...objectHeaders(body), 'content-length': 3, 'content-range': 'bytes 0-2/11' };
  response.writeHead(206, headers).end('hel');
  return true;
};
const wrongChecksum: S3Fault = (_, response) => {
  response.writeHead(200, { ...objectHeaders(body), 'x-amz-checksum-crc32': 'AAAAAA==' }).end(body);
  return true;
};

describe('a read', () => {
  it.each([
    ['whose connection is cut', cut],
    ['with a shorter body', shorter],
    ['with another body', changed],
    ['with the page of a proxy', page],
    ['with a part of the object', range],
    ['with a wrong checksum', wrongChecksum],
  ])('%s is repeated', async (_, fault) => {
    onRead(2, fault);
    expect(await get()).toBe('hello world');
    const file = join(directory, 'repeated');
    server.requests.length = 0;
    expect(await stage.store.download('inbox', 'a.txt', file)).toMatchObject({ size: 11 });
    expect(readFileSync(file, 'utf8')).toBe('hello world');
  });

  it.each([
    ['a shorter body', shorter, 'MD5'],
    ['another body', changed, 'MD5'],
    ['the page of a proxy', page, 'not an object'],
    ['a part of the object', range, 'bytes 0-2/11'],
    ['a wrong checksum', wrongChecksum, 'arrived changed'],
  ])('that always has %s fails, and leaves no file', async (_, fault, text) => {
    onRead(Infinity, fault);
    await expect(stage.store.get('inbox', 'a.txt')).rejects.toMatchObject(faulty(text));
    const folder = join(directory, 'failed');
    mkdirSync(folder, { recursive: true });
    await expect(stage.store.download('inbox', 'a.txt', join(folder, 'a.txt'))).rejects.toMatchObject(faulty(text));
    expect(readdirSync(folder)).toEqual([]);
  });

  it('of an object in parts, encrypted with a key of KMS, or without an etag is not compared with the etag', async () => {
    const md5 = etagOf(Buffer.from('other'));
    for (const headers of [
      { etag: `${md5.slice(0, -1)}-2"` },
      { etag: md5, 'x-amz-server-side-encryption': 'aws:kms' },
      { 'last-modified': new Date(0).toUTCString() },
    ]) {
      onRead(Infinity, (_, response) => {
        response.writeHead(200, { 'content-length': body.length, ...headers }).end(body);
        return true;
      });
      expect(await get()).toBe('hello world');
    }
  });

  it('of a bucket compares each file with its size in the listing', async () => {
    server.fault = ({ key }, response) => {
      if (key !== undefined) return false;
      sendPage(response, { keys: ['a.txt'], isTruncated: false });
      return true;
    };
    // another etag than in the listing: the object was overwritten
    expect(await saveBucket(stage.store, { bucket: 'inbox', directory: join(directory, 'saved') })).toMatchObject({
      bytes: 11,
    });
    server.fault = ({ key }, response) => {
      if (key === undefined) sendPage(response, { keys: ['a.txt'], isTruncated: false });
      else response.writeHead(200, { ...objectHeaders(body), etag: '"0-1"' }).end(body);
      return true;
    };
    await expect(saveBucket(stage.store, { bucket: 'inbox', directory: join(directory, 'saved') })).rejects.toThrow(
      'inbox/a.txt: the object has 11 bytes, and is listed with 1',
    );
  });
});

describe('a write', () => {
  it.each(['put', 'upload'] as const)('with %s is repeated when the server has stored other bytes', async (verb) => {
    const file = join(directory, 'source');
    writeFileSync(file, 'a file');
    const write = () =>
      verb === 'put'
        ? stage.store.put('inbox', 'new', Buffer.from('a file'))
        : stage.store.upload('inbox', 'new', file);
    server.fault = ({ method, earlier }, response) => {
      if (method !== 'PUT' || earlier > 1) return false;
      response.setHeader('etag', etagOf(Buffer.from('a fil'))).end();
      return true;
    };
    await write();
    expect(server.requests).toHaveLength(3);
    expect(server.buckets.get('inbox')?.get('new')?.toString()).toBe('a file');
    server.fault = ({ method }, response) => {
      if (method === 'PUT') response.setHeader('etag', etagOf(Buffer.from('a fil'))).end();
      return method === 'PUT';
    };
    await expect(write()).rejects.toMatchObject(faulty('other bytes'));
  });

  it('of a file that cannot be read fails at once', async () => {
    await expect(stage.store.upload('inbox', 'new', join(directory, 'none'))).rejects.toMatchObject({
      message: expect.stringContaining('ENOENT'),
    });
    expect(server.buckets.get('inbox')?.has('new')).toBe(false);
  });
});

describe('a server that falls silent', () => {
  it.each([
    ['before its answer', () => undefined],
    [
      'in the middle of a body',
      (response: ServerResponse) => response.writeHead(200, objectHeaders(body)).write('hel'),
    ],
  ])('%s is asked again, also after the whole time for retries', async (_, begin) => {
    const hasty = new S3ObjectStore({
      addr: server.address,
      user: 'u',
      password: 'p',
      idleTimeoutMs: 200,
      retryForMs: 1,
    });
    onRead(1, (__, response) => {
      begin(response);
      return true;
    });
    expect(Buffer.from(await hasty.get('inbox', 'a.txt')).toString()).toBe('hello world');
    expect(server.requests).toHaveLength(2);
    onRead(Infinity, () => true);
    await expect(hasty.get('inbox', 'a.txt')).rejects.toMatchObject({
      reason: 'unavailable',
      message: expect.stringContaining('TimeoutError'),
    });
    await hasty.close();
  });
});

describe('a deletion of several objects', () => {
  it('has the checksums of old and of new servers', async () => {
    let request: S3Request | undefined;
    server.fault = (given, response) => {
      request = given;
      response.end('<DeleteResult></DeleteResult>');
      return true;
    };
    await stage.store.delete('inbox', ['a.txt', 'b.txt']);
    const md5 = createHash('md5')
      .update(request?.body ?? '')
      .digest('base64');
    expect(request?.headers).toMatchObject({ 'content-md5': md5, 'x-amz-checksum-crc32': expect.any(String) });
  });
});

describe('a bucket that the user may not list', () => {
  it('counts as one that exists, as the user may write it', async () => {
    server.fault = ({ method }, response) => {
      if (method === 'GET') sendError(response, 403, 'AccessDenied');
      return method === 'GET';
    };
    await stage.store.ensureBucket('inbox');
    await stage.store.put('inbox', 'new', body);
    expect(server.requests.map(({ method }) => method)).toEqual(['GET', 'PUT']);
    server.fault = (_, response) => {
      sendError(response, 403, 'SignatureDoesNotMatch');
      return true;
    };
    await expect(stage.store.ensureBucket('inbox')).rejects.toMatchObject({ reason: 'access-denied' });
  });
});

describe('a refusal', () => {
  it.each([
    [403, 'AccessDenied', 'access-denied'],
    [404, 'NoSuchKey', 'object-missing'],
    [404, 'NoSuchBucket', 'bucket-missing'],
    [400, 'InvalidRequest', 'refused'],
  ])('with status %d %s is not repeated', async (status, code, reason) => {
    onRead(Infinity, (_, response) => {
      sendError(response, status, code);
      return true;
    });
    await expect(stage.store.get('inbox', 'a.txt')).rejects.toMatchObject({ reason });
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    [503, 'SlowDown'],
    [500, 'InternalError'],
    [502, 'BadGateway'],
    [429, 'TooManyRequests'],
    [400, 'RequestTimeout'],
    [200, 'InternalError'],
  ])('with status %d %s is repeated', async (status, code) => {
    onRead(2, (_, response) => {
      sendError(response, status, code);
      return true;
    });
    expect(await get()).toBe('hello world');
    expect(server.requests).toHaveLength(3);
  });
});
