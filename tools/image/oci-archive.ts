import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { digestOf } from './cached-download';
import { FileTree } from './file-tree';
import type { ImageConfig } from './image-config';
import type { LayerBlob } from './layer-blob';
import { type Platform, platformNames } from './platform';

export interface ArchiveOptions {
  readonly output: string;
  readonly tag: string;
  readonly platform: Platform;
  readonly config: ImageConfig;
  readonly layers: readonly LayerBlob[];
  readonly created: Date;
}

const media = 'application/vnd.oci.image';

/**
 * Writes an image as a tar archive that is an OCI layout (`ctr`, `podman`, `skopeo`, `crane`) and has the `manifest.json` that
 * every Docker reads. Returns the digest of the image's manifest, by which a registry knows it.
 */
export async function writeOciArchive({
  output,
  tag,
  platform,
  config,
  layers,
  created,
}: ArchiveOptions): Promise<string> {
  const tree = new FileTree();
  const put = (content: Buffer, mediaType: string) => {
    const digest = digestOf(content);
    tree.text(`blobs/sha256/${digest}`, content);
    return { mediaType, digest: `sha256:${digest}`, size: content.length };
  };
  const blobs = layers.map(({ content }) => put(content, `${media}.layer.v1.tar+gzip`));
  const description = {
    created: created.toISOString(),
    architecture: platformNames[platform].debian,
    os: 'linux',
    config,
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => `sha256:${diffId}`) },
    history: layers.map(({ createdBy }) => ({ created: created.toISOString(), created_by: createdBy })),
  };
  const configBlob = put(json(description), `${media}.config.v1+json`);
  const manifestType = `${media}.manifest.v1+json`;
  const manifest = put(
    json({ schemaVersion: 2, mediaType: manifestType, config: configBlob, layers: blobs }),
    manifestType,
  );
  const name = fullName(tag);
  const annotations = {
    'io.containerd.image.name': name,
    'org.opencontainers.image.ref.name': name.replace(/.*:/, ''),
  };
  const os = { architecture: platformNames[platform].debian, os: 'linux' };
  tree.text('oci-layout', json({ imageLayoutVersion: '1.0.0' }));
  tree.text('index.json', json({ schemaVersion: 2, manifests: [{ ...manifest, platform: os, annotations }] }));
  const paths = blobs.map(({ digest }) => blobPath(digest));
  tree.text('manifest.json', json([{ Config: blobPath(configBlob.digest), RepoTags: [tag], Layers: paths }]));
  await pipeline(tree.toTar(created), createWriteStream(output));
  return manifest.digest;
}

/** The name that containerd and the kubelet use for a tag: `kflow:1` is `docker.io/library/kflow:1`. */
function fullName(tag: string): string {
  const parts = tag.split('/');
  if (parts.length > 1 && /[.:]|^localhost$/.test(parts[0] ?? '')) return tag;
  return `docker.io/${parts.length === 1 ? 'library/' : ''}${tag}`;
}

function blobPath(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
