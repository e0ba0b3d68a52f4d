import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseSet } from '../../lib/topology/parse-set';
import type { Problem } from '../../lib/topology/problem';
import { readTopology } from '../../lib/topology/read-topology';
import type { Topology } from '../../lib/topology/topology';

export interface LoadedTopology {
  readonly topology?: Topology;
  readonly problems: readonly Problem[];
}

/** Reads a topology's file, with the values of `--set`. A file that cannot be read is a problem like any other. */
export function loadTopology(file: string, sets: readonly string[]): LoadedTopology {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a directory' : String(code);
    return {
      problems: [
        { severity: 'error', code: 'syntax', file, line: 1, col: 1, path: '', message: `cannot be read: ${reason}` },
      ],
    };
  }
  return readTopology(text, { file, defaultJobId: path.parse(file).name, sets: sets.map(parseSet) });
}
