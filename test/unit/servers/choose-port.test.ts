import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { choosePort } from '../../../runtime/servers/choose-port';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'kflow-port-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a port is reused until another port is requested and free', async () => {
  const first = await choosePort('a server', folder);
  expect(await choosePort('a server', folder, { preferred: 9 })).toBe(first);
  expect(await choosePort('a server', folder, { avoided: [first] })).not.toBe(first);
  const another = await choosePort('another server', mkdtempSync(path.join(folder, 'other-')));
  expect(await choosePort('a server', folder, { requested: another })).toBe(another);
  expect(await choosePort('a server', folder)).toBe(another);
});

test('a requested port that is in use does not change the port of the next start', async () => {
  const first = await choosePort('a server', folder);
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  expect(await choosePort('a server', folder, { requested: port })).not.toBe(port);
  expect(await choosePort('a server', folder)).toBe(first);
  other.close();
});
