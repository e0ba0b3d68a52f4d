import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findController } from '../../../../runtime/cli/client/find-controller';
import { ExitStatus } from '../../../../runtime/cli/frame/exit-status';
import { writeStack } from '../../../../runtime/cli/local-stack/find-stack';
import { holdPresence } from '../../../../runtime/cli/local-stack/presence';
import { StackDirectory } from '../../../../runtime/cli/local-stack/stack-directory';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'kflow-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('takes the option, else the environment, else the stack in a folder above, else the standard address', async () => {
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
  // a supervisor that was killed leaves its file
  expect(await findController({}, { env: {}, folder: below })).toEqual(standard);
});

test('reads a token from a file, without the end of its line', async () => {
  const file = path.join(folder, 'token');
  writeFileSync(file, 'secret\n');
  expect((await findController({}, { env: { KFLOW_TOKEN_FILE: file }, folder })).token).toBe('secret');
});

test.each([
  [{ KFLOW_URL: 'localhost:9080' }, 'KFLOW_URL: want http://host:port, got "localhost:9080"'],
  [{ KFLOW_TOKEN_FILE: '/nowhere' }, 'KFLOW_TOKEN_FILE: /nowhere contains no token'],
])('rejects %o as wrong usage', async (env, message) => {
  await expect(findController({}, { env, folder })).rejects.toThrow(
    expect.objectContaining({ status: ExitStatus.Usage, message }),
  );
});
