import { type AddressInfo, createServer, type Server } from 'node:net';
import { ControllerConnection } from '../../../../runtime/cli/client/controller-connection';
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
