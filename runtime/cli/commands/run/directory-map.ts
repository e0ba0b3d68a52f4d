import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../../../../lib/errors';

/** A bucket and a directory of this machine. */
export interface DirectoryMap {
  readonly bucket: string;
  readonly directory: string;
}

/** Values `NAME=DIR` of an option. Throws ConfigError on any other form. */
export function parseDirectoryMaps(option: string, values: readonly string[]): DirectoryMap[] {
  return values.map((value) => {
    const at = value.indexOf('=');
    if (at < 1 || at === value.length - 1) {
      throw new ConfigError(
        'config-invalid',
        `${option} ${value}: it has to be NAME=DIR, a bucket's name and a directory`,
      );
    }
    return { bucket: value.slice(0, at), directory: value.slice(at + 1) };
  });
}

/** Throws ConfigError, before anything has run, when a directory to fill a bucket from cannot be read. */
export function assertReadable({ bucket, directory }: DirectoryMap): void {
  if (!existsSync(directory) || !statSync(directory).isDirectory()) {
    throw new ConfigError('config-invalid', `--bucket ${bucket}=${directory}: there is no such directory`);
  }
}

/** Makes a directory to save into; throws ConfigError, before anything has run, when that cannot be. */
export function makeWritable({ bucket, directory }: DirectoryMap): void {
  try {
    makeDirectory(path.resolve(directory));
    if (!statSync(directory).isDirectory()) throw new Error('it is not a directory');
    accessSync(directory, constants.W_OK);
  } catch (cause) {
    throw new ConfigError(
      'config-invalid',
      `--save ${bucket}=${directory}: cannot be written to: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** Step by step: Node's own recursive way never ends below /proc. */
function makeDirectory(directory: string): void {
  if (existsSync(directory)) return;
  makeDirectory(path.dirname(directory));
  mkdirSync(directory);
}
