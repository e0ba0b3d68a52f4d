import { readFileSync } from 'node:fs';
import type { Problem } from '../../../lib/topology/problem/problem';

export type DocumentText =
  | { readonly name: string; readonly text: string }
  | { readonly name: string; readonly text?: undefined; readonly problem: Problem };

let stdin: Buffer | undefined;

/** The text of a file, or of stdin (`-`), which can be read several times. A file that cannot be read is a problem. */
export function readDocument(file: string): DocumentText {
  const name = file === '-' ? '<stdin>' : file;
  try {
    return { name, text: new TextDecoder('utf-8', { fatal: true }).decode(contentOf(file)) };
  } catch (error) {
    const message = `cannot read the file: ${reasonOf(error)}`;
    return { name, problem: { severity: 'error', code: 'syntax', file: name, line: 1, col: 1, path: '', message } };
  }
}

function contentOf(file: string): Buffer {
  if (file !== '-') return readFileSync(file);
  stdin ??= readFileSync(0);
  return stdin;
}

const reasons: { readonly [code: string]: string } = {
  ENOENT: 'no such file',
  EISDIR: 'a directory without topologies in YAML or JSON, and without task flows',
  EACCES: 'permission denied',
  ELOOP: 'too many symbolic links',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'not UTF-8 text',
};

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return reasons[code ?? ''] ?? message;
}
