import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { ConfigError } from '../../lib/errors';
import type { CatalogEntry } from './server-catalog';

const versionTimeoutMs = 20_000;

/** A program on this machine and the version that it prints; `unknown` when it prints none. */
export interface InstalledServer {
  readonly path: string;
  readonly version: string;
}

/** The program that the variable names. Throws ConfigError when the program does not run or is too old. */
export async function serverFromVariable(
  entry: CatalogEntry,
  env: NodeJS.ProcessEnv,
): Promise<InstalledServer | undefined> {
  const value = env[entry.variable];
  if (value === undefined || value === '') return undefined;
  const path = resolve(value);
  const where = `${entry.variable}=${value}`;
  if (!(await isProgram(path))) {
    throw new ConfigError('config-invalid', `${where}: no such executable file; correct or unset ${entry.variable}`, {
      where,
    });
  }
  try {
    const version = await versionOf(path);
    const problem = tooOld(entry, version);
    if (problem === undefined) return { path, version };
    throw new ConfigError('config-invalid', `${where}: ${problem}; correct or unset ${entry.variable}`, { where });
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const reason = `${where}: the program does not run: ${(error as Error).message}; correct or unset ${entry.variable}`;
    throw new ConfigError('config-invalid', reason, { where, cause: error });
  }
}

/** The first program of this name on PATH that runs and is new enough; `skipped` is called with the reason for each other. */
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
      skipped(`${path}: the program does not run: ${(error as Error).message}`);
    }
  }
  return undefined;
}

/** The version that a program prints. Throws when the program does not run. */
export async function versionOf(path: string): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(path, ['--version'], { timeout: versionTimeoutMs });
  return /\d+\.\d+\.\d+/.exec(`${stdout}\n${stderr}`)?.[0] ?? 'unknown';
}

function tooOld(entry: CatalogEntry, version: string): string | undefined {
  if (entry.minimum === undefined || compareVersions(version, entry.minimum) >= 0) return undefined;
  return `version ${version} is older than ${entry.minimum}`;
}

/** Compares dotted numbers; negative when `a` is older. A part that is not a number counts as 0. */
export function compareVersions(a: string, b: string): number {
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
    // missing or forbidden: the file cannot be run either way
    return false;
  }
}
