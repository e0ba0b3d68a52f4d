import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readImageLock } from '../../tools/image/image-lock';

const root = path.join(__dirname, '../..');

interface SbomEntry {
  readonly name: string;
  readonly externalRefs: readonly { readonly referenceLocator: string }[];
}

let place: string;
let layout: string;
let image: string;

beforeAll(() => {
  place = mkdtempSync(path.join(tmpdir(), 'kflow-image-'));
  makeImage(root, path.join(place, 'kflow.tar'), {});
  layout = path.join(place, 'layout');
  image = path.join(place, 'root');
  for (const folder of [layout, image]) mkdirSync(folder);
  execFileSync('tar', ['-C', layout, '-xf', path.join(place, 'kflow.tar')]);
  for (const { digest } of manifest().layers)
    execFileSync('tar', ['-C', image, '--no-same-owner', '-xzf', blob(digest)]);
});

afterAll(() => rmSync(place, { recursive: true }));

test('has the same bits when it is made in another folder, with another umask and in another time zone', () => {
  const copy = path.join(place, 'other/folder');
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
  for (const file of files
    .toString()
    .split('\0')
    .filter((each) => existsSync(path.join(root, each)) && each !== '')) {
    cpSync(path.join(root, file), path.join(copy, file));
  }
  execFileSync('cp', ['-a', path.join(root, 'node_modules'), copy]);
  execFileSync('sh', ['-c', 'umask 077 && npm run build'], { cwd: copy });
  const other = path.join(place, 'other.tar');
  makeImage(copy, other, { TZ: 'Asia/Tokyo', LC_ALL: 'C' });
  expect(sha256(other)).toBe(sha256(path.join(place, 'kflow.tar')));
  expect(sha256(path.join(place, 'other.spdx.json'))).toBe(sha256(path.join(place, 'kflow.spdx.json')));
});

test('is an OCI layout whose blobs have the digests that they are known by', () => {
  const blobs = readdirSync(path.join(layout, 'blobs/sha256'));
  expect(blobs.map((name) => sha256(blob(`sha256:${name}`)))).toEqual(blobs);
  const { config } = JSON.parse(readFileSync(blob(manifest().config.digest), 'utf8'));
  expect(config).toMatchObject({ User: '1000:1000', WorkingDir: '/opt/kflow' });
  const [named] = JSON.parse(readFileSync(path.join(layout, 'manifest.json'), 'utf8'));
  expect(named.RepoTags).toEqual([expect.stringMatching(/^kflow:/)]);
});

test('runs the pinned Node, and the CLI, the controller and the runtime by it', () => {
  expect(inImage('node', '--version').stdout.trim()).toBe(`v${readImageLock().node.version}`);
  expect(inImage('node', '-p', 'process.release.lts').stdout.trim()).not.toBe('undefined');
  cpSync(path.join(root, 'test/fixtures/topologies/basic-pipeline.yaml'), path.join(image, 'tmp/basic.yaml'));
  expect(inImage('kflow', 'lint', '/tmp/basic.yaml')).toMatchObject({ status: 0 });
  expect(inImage('kflow', 'controller')).toMatchObject({
    status: 78,
    stderr: '',
    stdout: expect.stringContaining('nats.url'),
  });
  const replica = inImage('node', '/opt/kflow/dist/js/runtime/replica/main.js');
  expect(replica).toMatchObject({ status: 78, stdout: expect.stringContaining('KFLOW_SPEC') });
  expect(inImage('node', '-e', "require('/opt/kflow/node_modules/@temporalio/core-bridge')")).toMatchObject({
    status: 0,
  });
});

test('runs Python with certificates, and from bytecode', () => {
  const script =
    'import ssl, kfbasicpy; print(len(ssl.create_default_context().get_ca_certs()) > 100, ssl.__cached__, kfbasicpy.__cached__)';
  const { stdout, stderr } = inImage('env', 'PYTHONPATH=/opt/kflow/sdk/python', 'python3', '-c', script);
  const [hasCertificates, ...bytecode] = stdout.trim().split(' ');
  expect({ hasCertificates, stderr }).toEqual({ hasCertificates: 'True', stderr: '' });
  for (const file of bytecode) expect(existsSync(path.join(image, file))).toBe(true);
  expect(bytecode).toHaveLength(2);
});

test('has no program that runs with the rights of another user', () => {
  const found = execFileSync('find', [image, '-type', 'f', '-perm', '/6000'], { encoding: 'utf8' });
  expect(found).toBe('');
});

test('comes with a list of every Debian and npm package in it', () => {
  const sbom = JSON.parse(readFileSync(path.join(place, 'kflow.spdx.json'), 'utf8'));
  const listed: { purl: string; name: string }[] = sbom.packages
    .slice(1)
    .map(({ name, externalRefs }: SbomEntry) => ({ name, purl: externalRefs[0]?.referenceLocator ?? '' }));
  const names = (start: string) => listed.filter(({ purl }) => purl.startsWith(start)).map(({ name }) => name);
  const status = readFileSync(path.join(image, 'var/lib/dpkg/status'), 'utf8');
  const installed = [...status.matchAll(/^Package: (\S+)$/gm)].map(([, name]) => name);
  expect(names('pkg:deb/').sort()).toEqual(installed.sort());
  expect(names('pkg:generic/')).toEqual(['node']);
  expect([...new Set(names('pkg:npm/'))].sort()).toEqual(npmPackages());
});

/** Names of the packages below node_modules that have a version. */
function npmPackages(): string[] {
  const modules = path.join(image, 'opt/kflow/node_modules');
  const files = readdirSync(modules, { recursive: true, encoding: 'utf8' });
  const roots = files.filter((file) => /(^|\/node_modules\/)(@[^/]+\/)?[^@/][^/]*\/package\.json$/.test(file));
  const names = roots.map((file) => file.replace(/\/package\.json$/, '').replace(/^.*node_modules\//, ''));
  return [...new Set(names)].sort();
}

/** Runs a program with the image as its root. */
function inImage(...command: string[]): { status: number | null; stdout: string; stderr: string } {
  const program = process.getuid?.() === 0 ? ['chroot', image] : ['unshare', '-r', 'chroot', image];
  const [file = '', ...args] = [...program, ...command];
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', HOME: '/tmp', PYTHONDONTWRITEBYTECODE: '1' };
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8', env });
  return { status, stdout, stderr };
}

function makeImage(folder: string, output: string, env: NodeJS.ProcessEnv): void {
  const command = ['ts-node', 'tools/image/main.ts', '--output', output];
  execFileSync('npx', command, {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

function manifest(): { config: { digest: string }; layers: { digest: string }[] } {
  const index = JSON.parse(readFileSync(path.join(layout, 'index.json'), 'utf8'));
  return JSON.parse(readFileSync(blob(index.manifests[0].digest), 'utf8'));
}

function blob(digest: string): string {
  return path.join(layout, 'blobs', digest.replace(':', '/'));
}

function sha256(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
