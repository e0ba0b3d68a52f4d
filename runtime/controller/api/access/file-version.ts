import { stat } from 'node:fs/promises';

/**
 * A text that changes with the content of a file: a mounted Secret gets another inode, an edited file another time. It also
 * changes when the file becomes unreadable.
 */
export async function fileVersion(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs, ctimeMs } = await stat(file);
    return [ino, size, mtimeMs, ctimeMs].join(' ');
  } catch (error) {
    return `unreadable: ${(error as NodeJS.ErrnoException).code}`;
  }
}
