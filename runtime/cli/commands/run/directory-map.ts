import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { usageError } from '../../frame/exit-status';

/** A bucket and a directory on this machine. */
export interface DirectoryMap {
  readonly bucket: string;
  readonly directory: string;
}

/** The bucket and directory of each `NAME=DIR`. */
export function directoryMaps(pairs: readonly (readonly [string, string])[]): DirectoryMap[] {
  return pairs.map(([bucket, directory]) => ({ bucket, directory }));
}

/** Throws CommandError, before anything has started, unless the directory to fill a bucket from exists. */
export function assertReadable({ bucket, directory }: DirectoryMap): void {
  if (existsSync(directory) && statSync(directory).isDirectory()) return;
  throw usageError(`--bucket ${bucket}=${directory}: no such directory`);
}

/** Creates the directory to save into. Throws CommandError, before anything has started, when that fails. */
export function makeWritable({ bucket, directory }: DirectoryMap): void {
  try {
    makeDirectory(path.resolve(directory));
    if (!statSync(directory).isDirectory()) throw new Error('not a directory');
    accessSync(directory, constants.W_OK);
  } catch (error) {
    throw usageError(`--save ${bucket}=${directory}: cannot write to the directory: ${(error as Error).message}`);
  }
}

/** Creates a directory level by level: with `recursive`, Node loops forever below /proc. */
function makeDirectory(directory: string): void {
  if (existsSync(directory)) return;
  makeDirectory(path.dirname(directory));
  mkdirSync(directory);
}
