import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { FileTree } from '../../../tools/image/file-tree';
import { ctr, sandboxImage } from './containerd';

/** Name of the runtime's image on the node. */
export const runtimeImage = 'docker.io/library/kflow:node-test';

const run = promisify(execFile);

/** A blob of an image, as OCI describes it. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: { readonly [name: string]: string };
}

/** Makes the image of an OCI archive known to the node, under the name that the tests use, and the image of sandboxes. */
export async function importImages(archive: string, folder: string): Promise<void> {
  const manifest = await unpackImage(archive, folder);
  const sandbox = reconfigureImage(folder, manifest, { Entrypoint: ['sleep', 'infinity'], Cmd: [] });
  await importLayout(folder, [named(manifest, runtimeImage), named(sandbox, sandboxImage)]);
}

function named(descriptor: Descriptor, name: string): Descriptor {
  const annotations = {
    'io.containerd.image.name': name,
    'org.opencontainers.image.ref.name': `${name.split(':').at(-1)}`,
  };
  return { ...descriptor, annotations };
}

/** Imports images of an unpacked archive, and removes it. */
async function importLayout(layout: string, manifests: readonly Descriptor[]): Promise<void> {
  writeFileSync(path.join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
  const archive = `${layout}.tar`;
  await run('tar', ['-cf', archive, '-C', layout, 'oci-layout', 'index.json', 'blobs']);
  rmSync(layout, { recursive: true });
  await ctr('images', 'import', archive);
  rmSync(archive);
}

/** What an image adds to the one that it is made from. */
export interface ImageExtension {
  /** Texts of files by their absolute path. */
  readonly files: { readonly [file: string]: string };
  readonly env?: readonly string[];
  readonly command?: readonly string[];
}

/** Makes an image of the one in an OCI archive, as FROM, COPY, ENV and CMD of a Dockerfile do, known to the node. */
export async function importExtended(
  archive: string,
  { name, ...extension }: ImageExtension & { readonly name: string },
): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'kflow-image-'));
  const manifest = await extendImage(folder, await unpackImage(archive, folder), extension);
  await importLayout(folder, [named(manifest, name)]);
}

/** Unpacks an OCI archive into a folder and returns the manifest of this machine's architecture. */
export async function unpackImage(archive: string, folder: string): Promise<Descriptor> {
  mkdirSync(folder, { recursive: true });
  await run('tar', ['-xf', archive, '-C', folder]);
  const index = readJson(path.join(folder, 'index.json')) as { readonly manifests: readonly Descriptor[] };
  return manifestFor(folder, index.manifests);
}

function manifestFor(layout: string, manifests: readonly Descriptor[]): Descriptor {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  for (const entry of manifests) {
    if (entry.mediaType.includes('index')) {
      const inner = readBlob(layout, entry) as { readonly manifests: readonly Descriptor[] };
      return manifestFor(layout, inner.manifests);
    }
    const manifest = readBlob(layout, entry) as { readonly config: Descriptor };
    const config = readBlob(layout, manifest.config) as { readonly architecture: string };
    if (config.architecture === architecture) return entry;
  }
  throw new Error(`the image has no manifest for ${architecture}`);
}

/** Stores an image that differs in its configuration beside it, and so has an ID of its own. Returns its manifest. */
export function reconfigureImage(layout: string, manifest: Descriptor, change: object): Descriptor {
  const content = readBlob(layout, manifest) as { readonly config: Descriptor };
  const { config, ...image } = readBlob(layout, content.config) as { readonly config: object };
  const changed = storeJson(layout, content.config.mediaType, { ...image, config: { ...config, ...change } });
  return storeJson(layout, manifest.mediaType, { ...content, config: changed });
}

async function extendImage(layout: string, manifest: Descriptor, extension: ImageExtension): Promise<Descriptor> {
  const { files, env = [], command } = extension;
  const tree = new FileTree();
  for (const [file, content] of Object.entries(files)) tree.text(file, content);
  const layer = storeBlob(layout, 'application/vnd.oci.image.layer.v1.tar', await buffer(tree.toTar(new Date(0))));
  const content = readBlob(layout, manifest) as { readonly config: Descriptor; readonly layers: readonly Descriptor[] };
  const image = readBlob(layout, content.config) as ImageDescription;
  const { config, rootfs, history } = image;
  const changed = storeJson(layout, content.config.mediaType, {
    ...image,
    config: { ...config, Env: [...config.Env, ...env], ...(command === undefined ? {} : { Cmd: command }) },
    rootfs: { ...rootfs, diff_ids: [...rootfs.diff_ids, layer.digest] },
    history: [...history, { created_by: 'COPY' }],
  });
  return storeJson(layout, manifest.mediaType, { ...content, config: changed, layers: [...content.layers, layer] });
}

interface ImageDescription {
  readonly config: { readonly Env: readonly string[] };
  readonly rootfs: { readonly diff_ids: readonly string[] };
  readonly history: readonly object[];
}

/** The file of a blob in an unpacked archive. */
export function blobFile(layout: string, digest: string): string {
  return path.join(layout, 'blobs', digest.replace(':', '/'));
}

function readBlob(layout: string, { digest }: Descriptor): object {
  return readJson(blobFile(layout, digest)) as object;
}

function storeJson(layout: string, mediaType: string, value: object): Descriptor {
  return storeBlob(layout, mediaType, Buffer.from(JSON.stringify(value)));
}

/** Adds a blob to an unpacked archive. */
function storeBlob(layout: string, mediaType: string, content: Buffer): Descriptor {
  const digest = createHash('sha256').update(content).digest('hex');
  writeFileSync(path.join(layout, 'blobs/sha256', digest), content);
  return { mediaType, digest: `sha256:${digest}`, size: content.length };
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}
