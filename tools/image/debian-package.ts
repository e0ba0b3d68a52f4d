import { gunzipSync } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import type { FileTree } from './file-tree';
import { decompressXz } from './xz';

/** A file of a tar archive in memory. */
export interface TarFile {
  readonly header: Header;
  readonly content: Buffer;
}

/** A .deb: its control files by name, and the files that it installs. */
export interface DebianPackage {
  readonly control: ReadonlyMap<string, Buffer>;
  readonly files: readonly TarFile[];
}

export async function readDebianPackage(content: Buffer): Promise<DebianPackage> {
  const members = readAr(content);
  const control = await readTar(await member(members, 'control.tar'));
  return {
    control: new Map(control.map((file) => [relative(file.header.name), file.content])),
    files: await readTar(await member(members, 'data.tar')),
  };
}

/** Puts the files of a package into `tree`, except those that `isWanted` refuses. */
export function unpack(files: readonly TarFile[], tree: FileTree, isWanted: (file: string) => boolean): void {
  for (const { header, content } of files) {
    const name = relative(header.name);
    if (name === '' || !isWanted(name)) continue;
    // no program of the image gets the rights of another user
    const owner = { mode: (header.mode ?? 0) & 0o1777, uid: header.uid ?? 0, gid: header.gid ?? 0 };
    const { type, linkname = '' } = header;
    if (type === 'directory') {
      if (tree.get(name)?.type !== 'symlink') tree.add(name, { ...owner, type });
    } else if (type === 'symlink') tree.add(name, { ...owner, type, target: linkname });
    else if (type === 'link') tree.add(name, { ...owner, type, target: relative(linkname) });
    else if (type === 'file') tree.add(name, { ...owner, type, content });
    else throw new Error(`image: ${name} is a ${type}, want a file, a directory or a link`);
  }
}

/** Every file of an uncompressed tar archive. */
export async function readTar(archive: Buffer): Promise<TarFile[]> {
  const files: TarFile[] = [];
  const reader = extract();
  reader.end(archive);
  for await (const entry of reader) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    files.push({ header: entry.header, content: Buffer.concat(chunks) });
  }
  return files;
}

function relative(name: string): string {
  return name.replace(/^(\.?\/)+|^\.$|\/$/g, '');
}

/** The members of an `ar` archive by name. */
function readAr(archive: Buffer): ReadonlyMap<string, Buffer> {
  if (archive.toString('latin1', 0, 8) !== '!<arch>\n') throw new Error('image: not a Debian package');
  const members = new Map<string, Buffer>();
  for (let offset = 8; offset < archive.length; ) {
    const name = archive.toString('latin1', offset, offset + 16).replace(/\/?\s*$/, '');
    const size = Number(archive.toString('latin1', offset + 48, offset + 58));
    members.set(name, archive.subarray(offset + 60, offset + 60 + size));
    offset += 60 + size + (size % 2);
  }
  return members;
}

async function member(members: ReadonlyMap<string, Buffer>, name: string): Promise<Buffer> {
  const [found, content] = [...members].find(([each]) => each.startsWith(name)) ?? [];
  if (found === undefined || content === undefined) throw new Error(`image: a Debian package without ${name}`);
  if (found === name) return content;
  if (found.endsWith('.xz')) return await decompressXz(content);
  if (found.endsWith('.gz')) return gunzipSync(content);
  throw new Error(`image: ${found} is not compressed with xz or gzip`);
}
