import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { ctr, sandboxImage } from './containerd';

/** Name of the runtime's image on the node. */
export const runtimeImage = 'docker.io/library/kflow:node-test';

const run = promisify(execFile);

/** A blob of an image, as OCI describes it. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** Makes the image of an OCI archive known to the node, under the name that the tests use, and the image of sandboxes. */
export async function importImages(archive: string, folder: string): Promise<void> {
  const layout = path.join(folder, 'layout');
  const manifest = await unpackImage(archive, layout);
  const sandbox = sleepingImage(layout, manifest);
  const named = (descriptor: Descriptor, name: string) => ({
    ...descriptor,
    annotations: { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name.split(':').at(-1) },
  });
  const manifests = [named(manifest, runtimeImage), named(sandbox, sandboxImage)];
  writeFileSync(path.join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
  const both = path.join(folder, 'images.tar');
  await run('tar', ['-cf', both, '-C', layout, 'oci-layout', 'index.json', 'blobs']);
  await ctr('images', 'import', both);
  rmSync(folder, { recursive: true });
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

/** Stores another configuration of the image beside it, with a command that waits for ever. */
function sleepingImage(layout: string, manifest: Descriptor): Descriptor {
  const content = readBlob(layout, manifest) as { readonly config: Descriptor };
  const { config, ...image } = readBlob(layout, content.config) as { readonly config: object };
  const command = { ...config, Entrypoint: ['sleep', 'infinity'], Cmd: [] };
  const sleeping = storeBlob(layout, content.config.mediaType, { ...image, config: command });
  return storeBlob(layout, manifest.mediaType, { ...content, config: sleeping });
}

/** The file of a blob in an unpacked archive. */
export function blobFile(layout: string, digest: string): string {
  return path.join(layout, 'blobs', digest.replace(':', '/'));
}

export function readBlob(layout: string, { digest }: Descriptor): object {
  return readJson(blobFile(layout, digest)) as object;
}

/** Adds a JSON text to an unpacked archive. */
export function storeBlob(layout: string, mediaType: string, value: object): Descriptor {
  const text = JSON.stringify(value);
  const digest = createHash('sha256').update(text).digest('hex');
  writeFileSync(path.join(layout, 'blobs/sha256', digest), text);
  return { mediaType, digest: `sha256:${digest}`, size: Buffer.byteLength(text) };
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}
