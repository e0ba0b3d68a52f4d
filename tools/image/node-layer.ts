import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parseIntegrity, readPinned } from './cached-download';
import { readTar } from './debian-package';
import { FileTree } from './file-tree';
import type { ImageLock } from './image-lock';
import { type Platform, platformNames } from './platform';

/** Node's official binary, as the npm package `node-linux-…` carries it, without npm. */
export async function nodeLayer({ node }: ImageLock, platform: Platform): Promise<FileTree> {
  const name = `node-linux-${platformNames[platform].npm}@${node.version}`;
  const sources = [async () => packed(name)];
  const archive = await readPinned({ name, ...parseIntegrity(node.integrity[platform]), sources });
  const tree = new FileTree();
  for (const { header, content } of await readTar(gunzipSync(archive))) {
    if (header.name === 'package/bin/node') tree.text('usr/local/bin/node', content, 0o755);
    if (header.name === 'package/LICENSE') tree.text('usr/local/share/doc/node/LICENSE', content);
  }
  if (tree.get('usr/local/bin/node') === undefined) throw new Error(`image: ${name} has no bin/node`);
  return tree;
}

/** The archive of a package from the registry that npm is set up with. */
function packed(name: string): Buffer {
  const folder = mkdtempSync(path.join(tmpdir(), 'kflow-node-'));
  try {
    const file = execFileSync('npm', ['pack', name, '--pack-destination', folder, '--silent'], { encoding: 'utf8' });
    return readFileSync(path.join(folder, file.trim()));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
