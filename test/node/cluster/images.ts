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
  const sandbox = reconfigureImage(layout, manifest, { Entrypoint: ['sleep', 'infinity'], Cmd: [] });
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

/** Stores an image that differs in its configuration beside it, and so has an ID of its own. Returns its manifest. */
export function reconfigureImage(layout: string, manifest: Descriptor, change: object): Descriptor {
  const content = readBlob(layout, manifest) as { readonly config: Descriptor };
  const { config, ...image } = readBlob(layout, content.config) as { readonly config: object };
  const changed = storeBlob(layout, content.config.mediaType, { ...image, config: { ...config, ...change } });
  return storeBlob(layout, manifest.mediaType, { ...content, config: changed });
}

/** The file of a blob in an unpacked archive. */
export function blobFile(layout: string, digest: string): string {
  return path.join(layout, 'blobs', digest.replace(':', '/'));
}

function readBlob(layout: string, { digest }: Descriptor): object {
  return readJson(blobFile(layout, digest)) as object;
}

/** Adds a JSON text to an unpacked archive. */
function storeBlob(layout: string, mediaType: string, value: object): Descriptor {
  const text = JSON.stringify(value);
  const digest = createHash('sha256').update(text).digest('hex');
  writeFileSync(path.join(layout, 'blobs/sha256', digest), text);
  return { mediaType, digest: `sha256:${digest}`, size: Buffer.byteLength(text) };
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}
