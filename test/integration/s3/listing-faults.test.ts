import type { ServerResponse } from 'node:http';
import { pageText, type S3Request, sendError, sendPage } from '../../support/test-s3-server';
import { S3Stage } from './s3-stage';

const stage = new S3Stage();
const { server } = stage;

beforeEach(() => {
  server.fill('inbox', Object.fromEntries(Array.from({ length: 25 }, (_, n) => [`k${n + 10}`, `v${n}`])));
});

/** The answer to each listing, by the continuation token of the request. */
function onListing(answer: (token: string | undefined, response: ServerResponse, request: S3Request) => void): void {
  server.fault = (request, response) => {
    if (request.method !== 'GET' || request.key !== undefined) return false;
    answer(request.query.get('continuation-token') ?? undefined, response, request);
    return true;
  };
}

async function keys(prefix = '', pageSize?: number): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of stage.store.list('inbox', prefix, pageSize === undefined ? {} : { pageSize }))
    found.push(key);
  return found;
}

const faulty = (text: string) => ({
  code: 'store-failed',
  reason: 'faulty',
  message: expect.stringMatching(
    new RegExp(`^S3 at http://127.0.0.1:\\d+: list inbox: the server's answer is faulty: .*${text}`),
  ),
});

it('lists every page of a correct server', async () => {
  expect(await keys('', 10)).toHaveLength(25);
  expect(server.requests).toHaveLength(3);
});

describe('a listing', () => {
  it('that is cut short without a token fails', async () => {
    onListing((_, response) => sendPage(response, { keys: ['a'], isTruncated: true }));
    await expect(keys()).rejects.toMatchObject(faulty('cut short'));
  });

  it('with the same token again fails', async () => {
    onListing((token, response) =>
      sendPage(response, { keys: [token === undefined ? 'a' : 'b'], isTruncated: true, token: 'next' }),
    );
    await expect(keys()).rejects.toMatchObject(faulty('the same continuation token again'));
  });

  it('with tokens in a circle fails, also without keys', async () => {
    const next: { [token: string]: string } = { one: 'two', two: 'three', three: 'one' };
    onListing((token = 'three', response) =>
      sendPage(response, { keys: [], isTruncated: true, token: next[token] ?? 'one' }),
    );
    await expect(keys()).rejects.toMatchObject(faulty('the same continuation token again'));
  });

  it('that goes on for ever without a key fails', async () => {
    onListing((token = '0', response) =>
      sendPage(response, { keys: [], isTruncated: true, token: String(Number(token) + 1) }),
    );
    await expect(keys()).rejects.toMatchObject(faulty('pages without a key'));
  });

  it('may have empty pages between others', async () => {
    onListing((token = '0', response) => {
      const number = Number(token);
      sendPage(response, {
        keys: number % 3 === 0 ? [`k${number}`] : [],
        isTruncated: number < 9,
        token: String(number + 1),
      });
    });
    expect(await keys()).toEqual(['k0', 'k3', 'k6', 'k9']);
  });

  it('that starts again with another token fails', async () => {
    onListing((token = '0', response) =>
      sendPage(response, { keys: ['a', 'b'], isTruncated: true, token: String(Number(token) + 1) }),
    );
    await expect(keys()).rejects.toMatchObject(faulty('the key "a" twice'));
  });

  it('that goes back fails', async () => {
    onListing((token, response) =>
      token === undefined
        ? sendPage(response, { keys: ['m', 'n'], isTruncated: true, token: 'next' })
        : sendPage(response, { keys: ['c', 'd'], isTruncated: false }),
    );
    await expect(keys()).rejects.toMatchObject(faulty('goes back, from the key "n" to "c"'));
  });

  it('of a store that promises no order is read as it comes', async () => {
    onListing((token, response) =>
      token === undefined
        ? sendPage(response, { keys: ['n', 'm'], isTruncated: true, token: 'next' })
        : sendPage(response, { keys: ['d', 'c'], isTruncated: false }),
    );
    expect(await keys()).toEqual(['n', 'm', 'd', 'c']);
  });

  it.each([
    ['whose end is missing', pageText({ keys: ['a', 'b'], isTruncated: false }).slice(0, -30), 'XML'],
    ['that is a page of a proxy', '<html><body>Maintenance</body></html>', 'does not say whether it is complete'],
    ['that is empty', '', 'does not say whether it is complete'],
    [
      'with fewer keys than it announces',
      '<R><IsTruncated>false</IsTruncated><KeyCount>2</KeyCount></R>',
      '0 of the 2 keys',
    ],
    [
      'with an object without a key',
      '<R><IsTruncated>false</IsTruncated><Contents><Size>1</Size></Contents></R>',
      'without a key',
    ],
  ])('%s fails', async (_, text, reason) => {
    onListing((__, response) => response.writeHead(200, { 'content-type': 'application/xml' }).end(text));
    await expect(keys()).rejects.toMatchObject(faulty(reason));
  });

  it.each(['a b', '100%', 'ü', '%zz'])('with the key "%s", not encoded as it says, fails', async (key) => {
    onListing((_, response) => sendPage(response, { keys: [key], isTruncated: false, encode: (plain) => plain }));
    await expect(keys()).rejects.toMatchObject(faulty('is not URL-encoded'));
  });

  it('with keys outside its prefix fails', async () => {
    onListing((_, response) => sendPage(response, { keys: ['k1', 'other'], isTruncated: false }));
    await expect(keys('k')).rejects.toMatchObject({ reason: 'faulty', message: expect.stringContaining('"other"') });
  });

  it('whose connection is cut within a page is requested again', async () => {
    onListing((_, response, { earlier }) => {
      const text = pageText({ keys: ['a', 'b'], isTruncated: false });
      if (earlier > 0) return void response.writeHead(200, { 'content-type': 'application/xml' }).end(text);
      response.writeHead(200, { 'content-type': 'application/xml', 'content-length': text.length });
      response.write(text.slice(0, 50), () => response.destroy());
    });
    expect(await keys()).toEqual(['a', 'b']);
  });

  it('with a fault that passes is complete', async () => {
    onListing((_, response, { earlier }) => {
      if (earlier === 0) response.end('<html>Maintenance</html>');
      else if (earlier === 1) sendError(response, 503, 'SlowDown');
      else sendPage(response, { keys: ['a'], isTruncated: false });
    });
    expect(await keys()).toEqual(['a']);
  });

  it('ends at once when its signal is aborted, and the server does not answer', async () => {
    const abort = new AbortController();
    onListing(() => abort.abort());
    const listing = stage.store.list('inbox', '', { signal: abort.signal });
    await expect(listing.next()).rejects.toMatchObject({ code: 'store-failed' });
    expect(server.requests).toHaveLength(1);
  });
});

it('requests a faulty page no more than four times', async () => {
  onListing((_, response) => sendPage(response, { keys: [], isTruncated: true }));
  await expect(keys()).rejects.toMatchObject({ reason: 'faulty' });
  expect(server.requests).toHaveLength(4);
});
