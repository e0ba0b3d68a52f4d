import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { substituteOf } from '../../../../../runtime/cli/commands/run/substitute';

let server: Server;
let port: number;
beforeAll(async () => {
  server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => server.close());

const endpoint = 'http://127.0.0.1:1';
const startSearch = async () => ({ endpoint });

test('a server of this machine that answers has no substitute', async () => {
  for (const addr of [`127.0.0.1:${port}`, `http://127.0.0.1:${port}/path`, `search.example:9200,127.0.0.1:${port}`]) {
    expect(await substituteOf({ connectsTo: 'search-server', addr }, startSearch)).toBeUndefined();
  }
});

test.each([
  ['search-server', 'search.example:9200', { addr: endpoint }],
  ['search-server', undefined, { addr: endpoint }],
  ['search-server', '127.0.0.1:9', { addr: endpoint }],
  ['nats-server', 'nats://nats.example:4222', {}],
  ['nats-server', undefined, undefined],
] as const)('a %s at %s has its substitute', async (connectsTo, addr, expected) => {
  expect(await substituteOf({ connectsTo, addr }, startSearch)).toEqual(expected);
});
