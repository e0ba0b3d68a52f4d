import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { download } from '../../../tools/image/cached-download';
import { freePort } from '../../support/free-port';

test('names the URL of a server that is not there, and why', async () => {
  const url = `http://127.0.0.1:${await freePort()}/package.deb`;
  await expect(download(url)).rejects.toThrow(new RegExp(`^${url}: fetch failed \\(.*ECONNREFUSED`));
});

test('names the URL that a server does not have', async () => {
  const server = createServer((_request, response) => response.writeHead(404).end()).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/package.deb`;
  await expect(download(url)).rejects.toThrow(`${url}: HTTP 404`);
  server.close();
});
