import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { ConfigError } from '../../lib/errors';
import type { CatalogEntry } from './server-catalog';

const ANSWER_TIMEOUT_MS = 20_000;

/** A program on this machine and what it says of its version; `unknown` when it names none. */
export interface InstalledServer {
  readonly path: string;
  readonly version: string;
}

/** The program a variable names. Throws ConfigError when it does not run or is too old: what was set is not skipped. */
export async function serverFromVariable(
  entry: CatalogEntry,
  env: NodeJS.ProcessEnv,
): Promise<InstalledServer | undefined> {
  const value = env[entry.variable];
  if (value === undefined || value === '') return undefined;
  const path = resolve(value);
  const where = `${entry.variable}=${value}`;
  if (!(await isProgram(path))) {
    throw new ConfigError('config-invalid', `${where}: there is no executable file; correct or unset it`, { where });
  }
  try {
    const version = await versionOf(path);
    const problem = tooOld(entry, version);
    if (problem === undefined) return { path, version };
    throw new ConfigError('config-invalid', `${where}: ${problem}; correct or unset it`, { where });
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const reason = `${where}: it does not run: ${(error as Error).message}; correct or unset it`;
    throw new ConfigError('config-invalid', reason, { where, cause: error });
  }
}

/** The first program of this name on PATH that runs and is new enough; `skipped` gets the reason for every other. */
export async function serverOnPath(
  server: { readonly name: string; readonly entry: CatalogEntry },
  env: NodeJS.ProcessEnv,
  skipped: (reason: string) => void,
): Promise<InstalledServer | undefined> {
  for (const directory of (env.PATH ?? '').split(delimiter).filter((part) => part !== '')) {
    const path = join(directory, server.name);
    if (!(await isProgram(path))) continue;
    try {
      const version = await versionOf(path);
      const problem = tooOld(server.entry, version);
      if (problem === undefined) return { path, version };
      skipped(`${path}: ${problem}`);
    } catch (error) {
      skipped(`${path}: it does not run: ${(error as Error).message}`);
    }
  }
  return undefined;
}

/** What a server says of its version. Throws when it does not run. */
export async function versionOf(path: string): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(path, ['--version'], { timeout: ANSWER_TIMEOUT_MS });
  return /\d+\.\d+\.\d+/.exec(`${stdout}\n${stderr}`)?.[0] ?? 'unknown';
}

function tooOld(entry: CatalogEntry, version: string): string | undefined {
  if (entry.minimum === undefined || compareVersions(version, entry.minimum) >= 0) return undefined;
  return `version ${version} is older than the ${entry.minimum} that is needed`;
}

/** Compares dotted numbers; negative when `a` is older. What is not a number counts as 0. */
function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split('.').map((part) => Number.parseInt(part, 10) || 0));
  for (const [index, part] of (right ?? []).entries()) {
    const difference = (left?.[index] ?? 0) - part;
    if (difference !== 0) return difference;
  }
  return 0;
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    // Missing and forbidden are the same to us: it cannot be run.
    return false;
  }
}
