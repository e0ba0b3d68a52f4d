import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import type { StoredLetter } from '../../../engine/letters/stored-letter';

/**
 * Writes dead letters to a file, one JSON object a line with the record's message in base64, and removes the file of an
 * earlier run. Returns the number of letters.
 */
export async function saveLetters(file: string, letters: AsyncIterable<StoredLetter>): Promise<number> {
  rmSync(file, { force: true });
  let output: number | undefined;
  let count = 0;
  try {
    for await (const { payload, ...letter } of letters) {
      output ??= openSync(file, 'w', 0o600);
      writeSync(output, `${JSON.stringify({ ...letter, payload: Buffer.from(payload).toString('base64') })}\n`);
      count++;
    }
  } finally {
    if (output !== undefined) closeSync(output);
  }
  return count;
}
