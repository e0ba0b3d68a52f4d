import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findController } from '../../../../runtime/cli/client/controller-address';
import { writeStack } from '../../../../runtime/cli/commands/stack/find-stack';
import { holdPresence } from '../../../../runtime/cli/commands/stack/presence';
import { StackDirectory } from '../../../../runtime/cli/commands/stack/stack-directory';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'kflow-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('an option goes before the environment, that before the stack that runs in a folder above, and the standard address is last', async () => {
  const below = path.join(folder, 'a/b');
  mkdirSync(below, { recursive: true });
  const standard = { url: 'http://127.0.0.1:9080' };
  expect(await findController({}, { env: {}, folder: below })).toEqual(standard);
  const directory = new StackDirectory(path.join(folder, '.kflow'));
  const presence = await holdPresence(directory);
  const s3 = { endpoint: 'http://127.0.0.1:1', user: '', password: '' };
  const servers = { version: 1, nats: '', temporal: '', s3, socket: '' } as const;
  writeStack(directory, { ...servers, pid: process.pid, url: 'http://127.0.0.1:4000' });
  const stack = { url: 'http://127.0.0.1:4000', from: directory.file };
  expect(await findController({}, { env: {}, folder: below })).toEqual(stack);
  const env = { KFLOW_URL: 'https://flows.example.org/', KFLOW_TOKEN: 't1' };
  expect(await findController({}, { env, folder: below })).toEqual({
    url: 'https://flows.example.org',
    from: 'KFLOW_URL',
    token: 't1',
  });
  expect(await findController({ url: 'http://a:1', token: 't2' }, { env, folder })).toEqual({
    url: 'http://a:1',
    from: '--url',
    token: 't2',
  });
  await presence.close();
  // its file may be left where it was killed
  expect(await findController({}, { env: {}, folder: below })).toEqual(standard);
});

test('a token comes from a file too, without the end of its line', async () => {
  const file = path.join(folder, 'token');
  writeFileSync(file, 'secret\n');
  expect((await findController({}, { env: { KFLOW_TOKEN_FILE: file }, folder })).token).toBe('secret');
});

test.each([
  [
    { KFLOW_URL: 'localhost:9080' },
    'KFLOW_URL: "localhost:9080" is no address of a controller; write http://host:port',
  ],
  [{ KFLOW_TOKEN_FILE: '/nowhere' }, 'KFLOW_TOKEN_FILE: there is no token in /nowhere'],
])('what cannot be used is wrong usage: %o', async (env, message) => {
  await expect(findController({}, { env, folder })).rejects.toThrow(expect.objectContaining({ status: 2, message }));
});
