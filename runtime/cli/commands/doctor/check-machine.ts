import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../../package-root';
import { compareVersions } from '../../../servers/installed-server';
import { locateServer } from '../../../servers/resolve-server';
import { type Finding, findingsOf, ok, warning } from './finding';

const minPython = '3.9';
/** What `kflow run` and `kflow up` start. */
const servers = ['nats-server', 'temporal', 'versitygw'];

/** The programs of this machine that flows and servers need. */
export async function checkMachine(): Promise<readonly Finding[]> {
  const found = await Promise.all(servers.map(checkServer));
  return [checkNode(), await checkPython(), ...found.flat()];
}

function checkNode(): Finding {
  const { engines } = JSON.parse(readFileSync(path.join(packageRoot, 'package.json'), 'utf8'));
  const { node } = process.versions;
  const found = `Node ${node}`;
  const isTested = isVersionOf(node, engines.node);
  return isTested ? ok('node', found) : warning('node', found, `install a version that is tested: ${engines.node}`);
}

/** Whether a version is of a range of npm, made of `>=A` and `^A` alone. */
export function isVersionOf(version: string, range: string): boolean {
  return range.split(' || ').some((part) => {
    const least = part.replace(/^\D+/, '');
    const isMajor = part.startsWith('>=') || version.split('.')[0] === least.split('.')[0];
    return isMajor && compareVersions(version, least) >= 0;
  });
}

async function checkPython(): Promise<Finding> {
  const command = process.env.KFLOW_PYTHON || 'python3';
  const remedy = `flows with Python code need Python ${minPython} or newer: install it, or set KFLOW_PYTHON to its path`;
  try {
    const { stdout } = await promisify(execFile)(command, ['--version'], { timeout: 10_000 });
    const isSupported = compareVersions(/\d+\.\d+/.exec(stdout)?.[0] ?? '', minPython) >= 0;
    return isSupported ? ok('python', stdout.trim()) : warning('python', stdout.trim(), remedy);
  } catch {
    return warning('python', `${command} does not run`, remedy);
  }
}

function checkServer(name: string): Promise<readonly Finding[]> {
  return findingsOf(name, 'remove or replace the program', async () => {
    const server = await locateServer(name);
    if (server !== undefined) {
      return [ok(name, `${server.version === 'unknown' ? 'found' : server.version} (${server.path})`)];
    }
    return [warning(name, 'not on this machine yet', '`kflow up` and `kflow run` download it, or build it with Go')];
  });
}
