import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

/** A password that a test plants, and looks for where no password may be: as it is, and within any base64. */
export class Planted {
  private readonly needles: readonly Buffer[];

  constructor(readonly text: string) {
    // base64 of a longer text contains that of the part, at one of three alignments; the edges depend on the neighbors
    const encoded = [0, 1, 2].map((shift) => {
      const base64 = Buffer.concat([Buffer.alloc(shift), Buffer.from(text)]).toString('base64');
      return base64.slice(Math.ceil((shift * 4) / 3) + 1, -5);
    });
    this.needles = [text, ...encoded].map((needle) => Buffer.from(needle));
  }

  isIn(bytes: Buffer | string): boolean {
    const found = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    return this.needles.some((needle) => found.includes(needle));
  }
}

/** Every regular file below a folder; files that vanish meanwhile are left out. */
export function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => path.join(folder, name))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true);
}

/** The content of a file; empty if it has vanished or cannot be read. */
export function contentOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0);
  }
}

/** The command lines of all processes of this machine, by process id. */
export function commandLines(): ReadonlyMap<number, string> {
  const ids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const lines = ids.map(
    (id) => [Number(id), contentOf(`/proc/${id}/cmdline`).toString().replaceAll('\0', ' ')] as const,
  );
  return new Map(lines.filter(([, line]) => line !== ''));
}
