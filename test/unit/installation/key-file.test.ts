import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ensureKeyFile, readKeyFile } from '../../../runtime/installation/key-file';

const newFile = () => path.join(mkdtempSync(path.join(tmpdir(), 'kflow-key-')), 'data', 'installation.key');

test('makes a key that only its owner can read, once', () => {
  const file = newFile();
  const derived = ensureKeyFile(file).derive('a');
  const text = readFileSync(file, 'utf8');
  expect(ensureKeyFile(file).derive('a').equals(derived)).toBe(true);
  expect(readKeyFile(file).derive('a').equals(derived)).toBe(true);
  expect(readFileSync(file, 'utf8')).toBe(text);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(path.dirname(file))).toEqual(['installation.key']);
});

test('never replaces a file that holds no key', () => {
  const file = newFile();
  ensureKeyFile(file);
  writeFileSync(file, 'broken\n');
  expect(() => ensureKeyFile(file)).toThrow(`${file}:1: not a key`);
  expect(readFileSync(file, 'utf8')).toBe('broken\n');
});

test('names a file that does not exist', () => {
  expect(() => readKeyFile('/nowhere/key')).toThrow('/nowhere/key: cannot read the installation key: ENOENT');
});
