import { readFileSync } from 'node:fs';
import path from 'node:path';

/** This package's folder, whether the code runs from its sources or compiled. */
export const packageRoot = findPackageRoot(__dirname);

/** The package's version. */
export const packageVersion = readPackage(packageRoot)?.version ?? '';

function findPackageRoot(folder: string): string {
  if (readPackage(folder)?.name === 'kflow') return folder;
  const parent = path.dirname(folder);
  if (parent === folder) throw new Error(`no package.json named kflow above ${__dirname}`);
  return findPackageRoot(parent);
}

function readPackage(folder: string): { readonly name?: string; readonly version?: string } | undefined {
  try {
    return JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
