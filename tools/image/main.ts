import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { debianLayer } from './debian-layer';
import type { FileTree } from './file-tree';
import { readImageConfig } from './image-config';
import { imageTime, readImageLock } from './image-lock';
import { compressLayer } from './layer-blob';
import { nodeLayer } from './node-layer';
import { writeOciArchive } from './oci-archive';
import { applicationLayer, modulesLayer } from './package-layers';
import { type Platform, platforms } from './platform';
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
  if (values.update !== undefined) return await updateLock(values.update);
  const platform = platforms.find((each) => each === values.platform);
  if (platform === undefined) throw new Error(`image: --platform ${values.platform}, want ${platforms.join(' or ')}`);
  const lock = readImageLock();
  const created = imageTime(lock);
  const layers = await makeLayers(platform, created);
  if (values.root !== undefined) return await writeFolder(values.root, layers);
  const config = readImageConfig(path.join(root, 'Dockerfile'), { VERSION: version });
  const output = path.resolve(values.output);
  mkdirSync(path.dirname(output), { recursive: true });
  const blobs = layers.map(({ tar, createdBy }) => compressLayer(tar, createdBy));
  for (const { createdBy, content } of blobs) console.log(`${createdBy}: ${megabytes(content.length)}`);
  const digest = await writeOciArchive({ output, tag: values.tag, platform, config, layers: blobs, created });
  console.log(`${values.tag} ${platform} ${digest}\n${output}: ${megabytes(statSync(output).size)}`);
}

async function makeLayers(platform: Platform, created: Date): Promise<Layer[]> {
  const lock = readImageLock();
  const layers: Layer[] = [];
  const add = async (createdBy: string, tree: FileTree) => {
    layers.push({ createdBy, tar: await collect(tree.toTar(created)) });
  };
  await add(`Debian ${lock.debian.suite} of ${lock.debian.snapshot}`, await debianLayer(lock, platform));
  await add(`Node ${lock.node.version}`, await nodeLayer(lock, platform));
  const { tree, folder } = modulesLayer(root, platform);
  try {
    await add('package-lock.json', tree);
  } finally {
    rmSync(folder, { recursive: true });
  }
  await add('KFlow', applicationLayer(root));
  return layers;
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
