import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pack } from 'tar-stream';

/** A file of a layer. A mode is permissions only; the owner is root unless said otherwise. */
export type TreeEntry = {
  readonly mode: number;
  readonly uid?: number;
  readonly gid?: number;
} & (
  | { readonly type: 'directory' }
  | { readonly type: 'symlink'; readonly target: string }
  | { readonly type: 'link'; readonly target: string }
  | { readonly type: 'file'; readonly content: Buffer | { readonly path: string } }
);

/** Files by path within the image, without a leading slash. Nothing touches the disk, so neither a umask nor a user matters. */
export class FileTree {
  private readonly entries = new Map<string, TreeEntry>();

  /** Adds an entry with the directories above it. A later entry replaces an earlier one. */
  add(file: string, entry: TreeEntry): void {
    const name = path.posix.normalize(file).replace(/^\/+|\/+$/g, '');
    if (name === '' || name === '.') return;
    this.addParents(name);
    this.entries.set(name, entry);
  }

  directory(file: string, mode = 0o755, owner: { readonly uid?: number; readonly gid?: number } = {}): void {
    this.add(file, { type: 'directory', mode, ...owner });
  }

  text(file: string, content: string | Buffer, mode = 0o644): void {
    this.add(file, { type: 'file', mode, content: Buffer.from(content) });
  }

  symlink(file: string, target: string): void {
    this.add(file, { type: 'symlink', mode: 0o777, target });
  }

  get(file: string): TreeEntry | undefined {
    return this.entries.get(file);
  }

  /** The content of a file; throws if there is none at the path. */
  read(file: string): Buffer {
    const entry = this.entries.get(file);
    if (entry?.type !== 'file') throw new Error(`image: no file ${file}`);
    return Buffer.isBuffer(entry.content) ? entry.content : readFileSync(entry.content.path);
  }

  delete(file: string): void {
    this.entries.delete(file);
  }

  /** Paths in the order of their bytes, whatever the locale. */
  paths(): string[] {
    return [...this.entries.keys()].sort((left, right) => (left < right ? -1 : 1));
  }

  /** The tree as a tar stream: sorted by path, every file of the same instant. */
  toTar(mtime: Date): Readable {
    const tar = pack();
    void this.pour(tar, mtime).catch((error: Error) => tar.destroy(error));
    return Readable.from(tar);
  }

  private async pour(tar: ReturnType<typeof pack>, mtime: Date): Promise<void> {
    const links = this.paths().filter((file) => this.entries.get(file)?.type === 'link');
    const others = this.paths().filter((file) => this.entries.get(file)?.type !== 'link');
    for (const file of [...others, ...links]) {
      const entry = this.entries.get(file) as TreeEntry;
      const { mode, uid = 0, gid = 0 } = entry;
      const header = { name: file, mode, uid, gid, mtime, type: entry.type, ...linkOf(entry) };
      const content = entry.type === 'file' ? this.read(file) : Buffer.alloc(0);
      await new Promise<void>((resolve, reject) => {
        tar.entry({ ...header, size: content.length }, content, (error) => (error ? reject(error) : resolve()));
      });
    }
    tar.finalize();
  }

  private addParents(name: string): void {
    const parent = path.posix.dirname(name);
    if (parent === '.' || this.entries.has(parent)) return;
    this.addParents(parent);
    this.entries.set(parent, { type: 'directory', mode: 0o755 });
  }
}

function linkOf(entry: TreeEntry): { readonly linkname?: string } {
  return 'target' in entry ? { linkname: entry.target } : {};
}
