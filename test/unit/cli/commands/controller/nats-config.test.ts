import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DerivedKeys } from '../../../../../runtime/adapters/nats-accounts/derived-keys';
import { newInstallationKey } from '../../../../../runtime/installation/installation-key';
import { ensureKeyFile } from '../../../../../runtime/installation/key-file';
import { kflow } from '../../support';

const folder = mkdtempSync(path.join(tmpdir(), 'kflow-nats-config-'));
const file = path.join(folder, 'installation.key');
const keys = new DerivedKeys(ensureKeyFile(file));

afterAll(() => rmSync(folder, { recursive: true }));

test('prints an account for each namespace and for the controller, with their public keys alone', async () => {
  const { status, stdout } = await kflow(
    'nats-config',
    '--key-file',
    file,
    '--namespaces',
    'a,b,a',
    '--max-storage',
    '5',
  );
  expect(status).toBe(0);
  for (const { controller } of [keys.ofController(), keys.ofNamespace('a'), keys.ofNamespace('b')]) {
    expect(stdout).toContain(controller.publicKey);
    expect(stdout).not.toContain(controller.seed);
  }
  expect(stdout).toContain(keys.ofFlowsIn('a').publicKey);
  expect(stdout).not.toContain(keys.ofFlowsIn('a').seed);
  expect(stdout.match(/max_file: 5/g)).toHaveLength(2);
});

test('the folder of the accounts without operator mode is wrong usage', async () => {
  const given = ['--key-file', file, '--namespaces', 'a', '--accounts-dir', '/data'];
  expect(await kflow('nats-config', ...given)).toMatchObject({
    status: 64,
    stderr: expect.stringContaining('--accounts-dir requires --operator'),
  });
});

test('prints the same text for the same key, and another for another', async () => {
  const other = path.join(folder, 'other.key');
  writeFileSync(other, newInstallationKey());
  const [one, two, three] = [file, file, other].map((each) => ['nats-config', '--key-file', each, '--operator']);
  const first = (await kflow(...(one ?? []))).stdout;
  expect(first).toContain('resolver');
  expect((await kflow(...(two ?? []))).stdout).toBe(first);
  expect((await kflow(...(three ?? []))).stdout).not.toBe(first);
});

test.each([
  [['--operator', '--namespaces', 'a'], /makes the accounts of all namespaces/],
  [['--namespaces', 'a,B_c'], /"B_c" is not the name of a namespace/],
  [[], /name the namespaces of flows with --namespaces/],
])('refuses %j with the remedy', async (options, message) => {
  const { status, stderr } = await kflow('nats-config', '--key-file', file, ...options);
  expect([status, stderr]).toEqual([64, expect.stringMatching(message)]);
});
