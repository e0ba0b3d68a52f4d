import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseSet } from '../../lib/topology/parse-set';
import type { Problem } from '../../lib/topology/problem';
import type { Purpose } from '../../lib/topology/purpose';
import { readTopology } from '../../lib/topology/read-topology';
import type { Topology } from '../../lib/topology/topology';

export interface LoadedTopology {
  readonly topology?: Topology;
  readonly problems: readonly Problem[];
}

/** Reads a topology's file, with the values of `--set`. A file that cannot be read is a problem like any other. */
export function loadTopology(file: string, sets: readonly string[], purpose: Purpose = 'run'): LoadedTopology {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    const message = `cannot be read: ${reasonOf(error)}`;
    return { problems: [{ severity: 'error', code: 'syntax', file, line: 1, col: 1, path: '', message }] };
  }
  return readTopology(text, { file, defaultJobId: path.parse(file).name, sets: sets.map(parseSet), purpose });
}

const reasons: { readonly [code: string]: string } = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a directory without YAML or JSON files',
  EACCES: 'it is not readable for this user',
  ELOOP: 'its links run in a circle',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'it is not UTF-8 text',
};

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return reasons[code ?? ''] ?? message;
}
