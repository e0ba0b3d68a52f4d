import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findController } from '../../../../runtime/cli/flows/controller-address';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'kflow-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('an option goes before the environment, that before the stack of a folder above, and the standard address is last', () => {
  const below = path.join(folder, 'a/b');
  mkdirSync(below, { recursive: true });
  expect(findController({}, { env: {}, folder: below })).toEqual({ url: 'http://127.0.0.1:9080' });
  const file = path.join(folder, '.kflow/stack.json');
  mkdirSync(path.dirname(file));
  writeFileSync(file, '{"url": "http://127.0.0.1:4000"}');
  expect(findController({}, { env: {}, folder: below })).toEqual({ url: 'http://127.0.0.1:4000', from: file });
  const env = { KFLOW_URL: 'https://flows.example.org/', KFLOW_TOKEN: 't1' };
  expect(findController({}, { env, folder: below })).toEqual({
    url: 'https://flows.example.org',
    from: 'KFLOW_URL',
    token: 't1',
  });
  expect(findController({ url: 'http://a:1', token: 't2' }, { env, folder })).toEqual({
    url: 'http://a:1',
    from: '--url',
    token: 't2',
  });
});

test('a token comes from a file too, without the end of its line', () => {
  const file = path.join(folder, 'token');
  writeFileSync(file, 'secret\n');
  expect(findController({}, { env: { KFLOW_TOKEN_FILE: file }, folder }).token).toBe('secret');
});

test.each([
  [
    { KFLOW_URL: 'localhost:9080' },
    'KFLOW_URL: "localhost:9080" is no address of a controller; write http://host:port',
  ],
  [{ KFLOW_TOKEN_FILE: '/nowhere' }, 'KFLOW_TOKEN_FILE: there is no token in /nowhere'],
])('what cannot be used is wrong usage: %o', (env, message) => {
  expect(() => findController({}, { env, folder })).toThrow(expect.objectContaining({ status: 2, message }));
});
