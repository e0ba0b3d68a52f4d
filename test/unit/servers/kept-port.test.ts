import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { keptPort } from '../../../runtime/servers/kept-port';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'kflow-port-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a port is kept, and another one is as soon as it is wished and to be had', async () => {
  const first = await keptPort('a server', folder);
  expect(await keptPort('a server', folder, { usual: 9 })).toBe(first);
  const other = await keptPort('another server', mkdtempSync(path.join(folder, 'other-')));
  expect(await keptPort('a server', folder, { wished: other })).toBe(other);
  expect(await keptPort('a server', folder)).toBe(other);
});

test('a wished port that somebody else has changes nothing for the next start', async () => {
  const first = await keptPort('a server', folder);
  const somebody = createServer();
  await new Promise<void>((resolve) => somebody.listen(0, '127.0.0.1', resolve));
  const { port } = somebody.address() as AddressInfo;
  expect(await keptPort('a server', folder, { wished: port })).not.toBe(port);
  expect(await keptPort('a server', folder)).toBe(first);
  somebody.close();
});
