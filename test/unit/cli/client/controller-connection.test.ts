import { type AddressInfo, createServer, type Server } from 'node:net';
import { lossOf } from '../../../../runtime/cli/client/client-error';
import { ControllerConnection } from '../../../../runtime/cli/client/controller-connection';
import { readLines } from '../../../../runtime/cli/client/event-stream';
import { follow } from '../../../../runtime/cli/client/follow';
import { sendRequest } from '../../../../runtime/cli/client/send-request';

let server: Server;
let url: string;
let answer = '';

/** Answers every request with the same bytes, and keeps the connection open. */
beforeAll(async () => {
  server = createServer((socket) =>
    socket.on('error', () => socket.destroy()).once('data', () => socket.write(answer)),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => server.close());

const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: Error) => error.message,
  );

test.each(['999 Strange', '600 More'])('a response with the status %s fails the request alone', async (status) => {
  answer = `HTTP/1.1 ${status}\r\ncontent-length: 0\r\n\r\n`;
  expect(await refusal(new ControllerConnection({ url }).get('/'))).toContain('the response is not valid HTTP');
});

test('a response without content is one, whatever it says', async () => {
  answer = 'HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n\r\n';
  expect((await new ControllerConnection({ url }).get('/')).status).toBe(205);
});

test.each([
  ['headers', ''],
  ['whole body', 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf'],
  ['whole body of an error', 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 9\r\n\r\nhalf'],
])('a controller that sends no %s in time is told as that', async (_part, bytes) => {
  answer = bytes;
  expect(await refusal(new ControllerConnection({ url }, 200).text('/', '*/*'))).toContain(
    `cannot reach the controller at ${url}: no response within 0.2 s`,
  );
});

test.each([
  ['before', ''],
  ['after', 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf'],
])('a connection that is silent %s the headers is told as that', async (_when, bytes) => {
  answer = bytes;
  const request = { method: 'GET', headers: new Headers(), silenceMs: 200 };
  expect(await refusal(sendRequest(url, request).then((response) => response.text()))).toBe('no data for 0.2 s');
});

test('a request whose signal was given up before it began is not sent', async () => {
  const request = { method: 'GET', headers: new Headers(), signal: AbortSignal.abort(new Error('given up')) };
  expect(await refusal(sendRequest(url, request))).toBe('given up');
});

const drained = async (body: AsyncIterable<unknown>) => {
  for await (const _chunk of body);
};

const page = (status: string) =>
  `HTTP/1.1 ${status}\r\ncontent-type: text/html\r\ncontent-length: 30\r\n\r\n<html>\r\n<h1>nginx</h1>\r\n</html>`;

test.each([
  ['502 Bad Gateway', 'the controller at URL is unavailable (502 Bad Gateway); try again'],
  ['429 Too Many Requests', 'the controller at URL is unavailable (429 Too Many Requests); try again'],
  ['404 Not Found', 'URL responded with 404 Not Found; check that this is the address of a controller'],
  [
    '413 Request Entity Too Large',
    'URL responded with 413 Request Entity Too Large; raise the limit of the proxy in front of the controller',
  ],
  ['200 OK', 'URL responded with a web page; check that this is the address of a controller, or log in there'],
])('a page of a proxy with %s is told in words', async (status, message) => {
  answer = page(status);
  expect(await refusal(new ControllerConnection({ url }).get('/'))).toBe(message.replace('URL', url));
});

test.each(['502 Bad Gateway', '404 Not Found', '200 OK'])(
  'a command that follows a stream outlasts a page of a proxy with %s',
  async (status) => {
    const connection = new ControllerConnection({ url });
    const losses: string[] = [];
    answer = 'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 6\r\n\r\nfirst\n';
    const open = async function* () {
      yield* readLines(await connection.stream('/', { accept: 'text/plain' }));
      answer = page(status);
    };
    const onLost = (error: Error) => {
      losses.push(lossOf(error));
      answer = 'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nlast\n';
    };
    const lines: string[] = [];
    for await (const line of follow(open, { onLost, isOver: () => lines.length === 2 })) lines.push(line);
    expect(lines).toEqual(['first', 'last']);
    const reason = status === '200 OK' ? 'a web page' : status;
    expect(losses).toEqual([`the controller is unavailable (${reason}); waiting for it`]);
  },
);

test('a stream that is not kept alive, as the logs without --follow, ends when nothing arrives', async () => {
  answer = 'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 9\r\n\r\nhalf';
  const body = await new ControllerConnection({ url }, 200).stream('/', { accept: 'text/plain' });
  expect(await refusal(drained(body))).toContain(`cannot reach the controller at ${url}: no data for 0.2 s`);
});
