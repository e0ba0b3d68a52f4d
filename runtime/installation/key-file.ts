import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../../lib/errors';
import { InstallationKey, newInstallationKey } from './installation-key';

/** Reads the keys of a file. Throws ConfigError that names the file. */
export function readKeyFile(file: string): InstallationKey {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ConfigError('config-invalid', `${file}: cannot read the installation key: ${(cause as Error).message}`, {
      cause,
    });
  }
  return InstallationKey.parse(text, file);
}

/** Reads the keys of a file; makes the file, readable by its owner only, when it does not exist. Safe to call twice at once. */
export function ensureKeyFile(file: string): InstallationKey {
  if (!existsSync(file)) makeKeyFile(file);
  return readKeyFile(file);
}

function makeKeyFile(file: string): void {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const made = `${file}.${process.pid}`;
  writeFileSync(made, newInstallationKey(), { mode: 0o600 });
  try {
    linkSync(made, file); // unlike a rename, never replaces a key
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(made);
  }
}
