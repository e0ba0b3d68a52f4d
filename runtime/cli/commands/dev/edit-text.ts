import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { usageError } from '../../frame/exit-status';

/** Opens a text in the editor of VISUAL or EDITOR, and returns it as it was saved. Throws CommandError without an editor. */
export function editText(name: string, text: string, env: NodeJS.ProcessEnv = process.env): string {
  const editor = env.VISUAL ?? env.EDITOR;
  if (editor === undefined || editor === '') {
    throw usageError('want --records or --file, or an editor: set VISUAL or EDITOR');
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'kflow-edit-'));
  const file = path.join(folder, `${name.replace(/[^\w.-]+/g, '_').slice(-100)}.jsonl`);
  try {
    writeFileSync(file, text, { mode: 0o600 });
    // an editor may be named with arguments, as in "code --wait"
    const { status, error } = spawnSync('sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit' });
    if (error !== undefined || status !== 0) throw usageError(`${editor} ended with ${error?.message ?? status}`);
    return readFileSync(file, 'utf8');
  } finally {
    rmSync(folder, { recursive: true });
  }
}
