import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../../package-root';
import { locateServer } from '../../../servers/resolve-server';
import { type Finding, ok, warning } from './finding';

const minPython = [3, 9];
/** What `kflow run` and `kflow up` start. */
const servers = ['nats-server', 'temporal', 'versitygw'];

/** The programs of this machine that flows and servers need. */
export async function checkMachine(): Promise<readonly Finding[]> {
  return [checkNode(), await checkPython(), ...(await checkServers())];
}

function checkNode(): Finding {
  const { engines } = JSON.parse(readFileSync(path.join(packageRoot, 'package.json'), 'utf8'));
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isSupported = major >= 24 || (major === 22 && minor >= 13) || (major === 20 && minor >= 19);
  const found = `Node ${process.versions.node}`;
  return isSupported ? ok('node', found) : warning('node', found, `install a version that is tested: ${engines.node}`);
}

async function checkPython(): Promise<Finding> {
  const command = process.env.KFLOW_PYTHON || 'python3';
  const remedy = 'flows with Python code need Python 3.9 or newer: install it, or set KFLOW_PYTHON to its path';
  try {
    const { stdout } = await promisify(execFile)(command, ['--version'], { timeout: 10_000 });
    const [major = 0, minor = 0] = (/\d+\.\d+/.exec(stdout)?.[0] ?? '').split('.').map(Number);
    const [minMajor = 0, minMinor = 0] = minPython;
    const isSupported = major > minMajor || (major === minMajor && minor >= minMinor);
    return isSupported ? ok('python', stdout.trim()) : warning('python', stdout.trim(), remedy);
  } catch {
    return warning('python', `${command} does not run`, remedy);
  }
}

async function checkServers(): Promise<readonly Finding[]> {
  const found = await Promise.all(servers.map(async (name) => ({ name, server: await locateServer(name) })));
  return found.map(({ name, server }) =>
    server === undefined
      ? warning(name, 'not on this machine yet', '`kflow up` and `kflow run` download it, or build it with Go')
      : ok(name, `${server.version === 'unknown' ? 'found' : server.version} (${server.path})`),
  );
}
