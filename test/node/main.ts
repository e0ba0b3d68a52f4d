/**
 * `main [COMMAND…]`: runs a command, or else a shell, beside a Kubernetes cluster of one node, all in namespaces of their
 * own, and cleans up. `KFLOW_IMAGE_ARCHIVE` names the OCI archive of the runtime's image.
 */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { nackCrdsFile } from '../../runtime/servers/nack-controller';
import { missingForNode } from './cluster/check-machine';
import { cleanerFile, homePrefix, noteMadeFolders, removeLeftovers } from './cluster/clean-up';
import { fixedFolders } from './cluster/machine';
import { logFolders } from './cluster/node-cluster';

const root = path.join(__dirname, '../..');
const kept = path.join(root, 'dist/node-logs');
const namespaces = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
const program = (file: string) => ['-r', 'ts-node/register', path.join(__dirname, 'cluster', file)];

async function main(given: readonly string[]): Promise<number> {
  const missing = missingForNode();
  const image = process.env.KFLOW_IMAGE_ARCHIVE ?? path.join(root, 'dist/image/kflow.tar');
  if (!existsSync(image)) missing.push(`${image}: no such image; make it with npm run image`);
  if (missing.length > 0) {
    process.stderr.write(`this machine cannot run a node:\n${missing.map((line) => `  - ${line}\n`).join('')}`);
    return 1;
  }
  await removeLeftovers();
  const crds = await nackCrdsFile();
  const command = given.length > 0 ? given : [process.env.SHELL ?? '/bin/sh'];
  const home = mkdtempSync(path.join(tmpdir(), homePrefix));
  const cleaner = spawn(process.execPath, [...program('clean-up.ts'), home], {
    stdio: ['pipe', 'inherit', 'inherit'],
    cwd: root,
    detached: true,
  });
  writeFileSync(path.join(home, cleanerFile), `${cleaner.pid}\n`);
  const made = fixedFolders.filter((folder) => !existsSync(folder));
  noteMadeFolders(home, made);
  for (const folder of fixedFolders) mkdirSync(folder, { recursive: true });
  // a shell, since the first process of a namespace has to wait for the processes that others leave to it
  const script = '"$@"; exit $?';
  const inside = [process.execPath, ...program('inside.ts'), home, image, crds, ...command];
  const node = spawn('unshare', [...namespaces, 'sh', '-c', script, 'node', ...inside], {
    stdio: 'inherit',
    cwd: root,
  });
  cleaner.stdin.write(`${node.pid}\n`);
  // Ctrl-C reaches the command, too, with whose end the node ends; the other signals come here only
  process.on('SIGINT', () => undefined);
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => node.kill('SIGKILL'));
  const code = await new Promise<number>((resolve) => node.once('exit', (exit) => resolve(exit ?? 1)));
  if (code !== 0) keepLogs(home);
  cleaner.stdin.end('0\n');
  const cleaned = await new Promise<number>((resolve) => cleaner.once('exit', (exit) => resolve(exit ?? 1)));
  return code === 0 ? cleaned : code;
}

function keepLogs(home: string): void {
  rmSync(kept, { recursive: true, force: true });
  for (const folder of logFolders.filter((each) => existsSync(path.join(home, each)))) {
    cpSync(path.join(home, folder), path.join(kept, folder), { recursive: true, dereference: false });
  }
  process.stderr.write(`node: the logs of servers and pods are in ${path.relative(process.cwd(), kept)}\n`);
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${String((error as Error).stack)}\n`);
    process.exit(1);
  },
);
