import path from 'node:path';

/** Where a server keeps its data and its log: `<name>` and `<name>.log` in a folder. */
export function serverFiles(folder: string, name: string): { readonly dataDir: string; readonly logFile: string } {
  return { dataDir: path.join(folder, name), logFile: path.join(folder, `${name}.log`) };
}
