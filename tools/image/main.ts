import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { imageFaults } from '../../lib/constructs/settings-faults';
import { debianLayer } from './debian-layer';
import type { FileTree } from './file-tree';
import { readImageConfig } from './image-config';
import { type ImageLock, imageTime, readImageLock } from './image-lock';
import { compressLayer } from './layer-blob';
import { nodeLayer } from './node-layer';
import { writeOciArchive } from './oci-archive';
import { applicationLayer, modulesLayer } from './package-layers';
import { type Platform, platforms } from './platform';
import { addBytecode, ownPlatform } from './python-bytecode';
import { imagePackages, renderSbom, type SbomPackage } from './sbom';
import { updateLock } from './update-lock';

const root = path.join(__dirname, '../..');

interface Layer {
  readonly createdBy: string;
  readonly tar: Buffer;
}

const usage = `npm run image -- [options]
  --tag NAME         name of the image; default: kflow:<version of the package>
  --output FILE      OCI archive to write; default: dist/image/kflow.tar
  --platform NAME    ${platforms.join(' or ')}; default: this machine's processor
  --root FOLDER      writes the files into a folder instead, as root: for the Dockerfile
  --update VERSION   pins this version of Node and today's packages of Debian, and makes no image`;

async function main(): Promise<void> {
  const { version }: { version: string } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const { values } = parseArgs({
    options: {
      tag: { type: 'string', default: `kflow:${version}` },
      output: { type: 'string', default: 'dist/image/kflow.tar' },
      platform: { type: 'string', default: process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64' },
      root: { type: 'string' },
      update: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) return console.log(usage);
  if (values.update !== undefined && !/^\d+\.\d+\.\d+$/.test(values.update)) {
    throw new Error(`image: --update ${values.update}, want a version of Node, as in 24.21.0`);
  }
  if (values.update !== undefined) return await updateLock(values.update);
  const platform = platforms.find((each) => each === values.platform);
  if (platform === undefined) throw new Error(`image: --platform ${values.platform}, want ${platforms.join(' or ')}`);
  const [fault] = imageFaults(values.tag);
  if (fault !== undefined) throw new Error(`image: --tag: ${fault}`);
  const lock = readImageLock();
  const created = imageTime(lock);
  const { layers, packages } = await makeLayers(lock, platform);
  if (values.root !== undefined) return await writeFolder(values.root, layers);
  const config = readImageConfig(path.join(root, 'Dockerfile'), { VERSION: version });
  const output = path.resolve(values.output);
  mkdirSync(path.dirname(output), { recursive: true });
  const blobs = layers.map(({ tar, createdBy }) => compressLayer(tar, createdBy));
  for (const { createdBy, content } of blobs) console.log(`${createdBy}: ${megabytes(content.length)}`);
  const digest = await writeOciArchive({ output, tag: values.tag, platform, config, layers: blobs, created });
  const sbom = `${output.replace(/\.tar$/, '')}.spdx.json`;
  writeFileSync(sbom, renderSbom({ tag: values.tag, digest, created }, packages));
  console.log(`${sbom}: ${packages.length} packages`);
  console.log(`${values.tag} ${platform} ${digest}\n${output}: ${megabytes(statSync(output).size)}`);
}

interface Layers {
  readonly layers: readonly Layer[];
  readonly packages: readonly SbomPackage[];
}

async function makeLayers(lock: ImageLock, platform: Platform): Promise<Layers> {
  const created = imageTime(lock);
  const layers: Layer[] = [];
  const add = async (createdBy: string, tree: FileTree) => {
    layers.push({ createdBy, tar: await collect(tree.toTar(created)) });
  };
  const [debian, application] = [await debianLayer(lock, platform), applicationLayer(root)];
  if (ownPlatform === undefined) console.warn(`image: no Python bytecode, which needs Linux; its digest is another`);
  else {
    const own = ownPlatform === platform ? debian : await debianLayer(lock, ownPlatform);
    addBytecode(own, ownPlatform, [debian, application]);
  }
  await add(`Debian ${lock.debian.suite} of ${lock.debian.snapshot}`, debian);
  await add(`Node ${lock.node.version}`, await nodeLayer(lock, platform));
  const { tree: modules, folder } = modulesLayer(root, platform);
  try {
    await add('package-lock.json', modules);
  } finally {
    rmSync(folder, { recursive: true });
  }
  await add('KFlow', application);
  return { layers, packages: imagePackages(lock, platform, modules, root) };
}

/** Unpacks the layers; owners and modes need root. */
async function writeFolder(folder: string, layers: readonly Layer[]): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const { tar } of layers) {
    const program = spawn('tar', ['-C', folder, '-xpf', '-'], { stdio: ['pipe', 'inherit', 'inherit'] });
    program.stdin.end(tar);
    const [status] = await once(program, 'exit');
    if (status !== 0) throw new Error(`image: tar exited with ${status}`);
  }
}

async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

void main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
