import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { type IndexedPackage, readDebianIndex } from './debian-index';
import { type ImageLock, type LockedPackage, lockFile } from './image-lock';
import { type Platform, platformNames, platforms } from './platform';

const suite = 'trixie';

/** What the image needs beside Debian's essential packages: certificates, Python, Node's library, and `apt-get` for images built on it. */
const wanted = ['apt', 'ca-certificates', 'libstdc++6', 'mawk', 'python3'];

/** Pins the newest packages of Debian, and Node `nodeVersion`. Needs `gpgv` and Debian's keyring. */
export async function updateLock(nodeVersion: string): Promise<void> {
  const snapshot = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const packages = await forEachPlatform(lockPackages);
  const integrity = await forEachPlatform((platform) => Promise.resolve(nodeIntegrity(nodeVersion, platform)));
  const lock: ImageLock = { node: { version: nodeVersion, integrity }, debian: { suite, snapshot, packages } };
  writeFileSync(lockFile, `${JSON.stringify(lock, undefined, 2)}\n`);
}

async function lockPackages(platform: Platform): Promise<LockedPackage[]> {
  const suites = [
    { archive: 'debian', suite },
    { archive: 'debian', suite: `${suite}-updates` },
    { archive: 'debian-security', suite: `${suite}-security` },
  ];
  const index = await readDebianIndex(suites, platformNames[platform].debian);
  const essential = [...index.values()].filter(({ control }) => control.Essential === 'yes').map(({ name }) => name);
  return closure(index, [...wanted, ...essential]).map(({ name, version, archive, control }) => ({
    name,
    version,
    archive,
    path: control.Filename ?? '',
    sha256: control.SHA256 ?? '',
  }));
}

/** The packages with everything that they depend on, by name. */
function closure(index: ReadonlyMap<string, IndexedPackage>, names: readonly string[]): IndexedPackage[] {
  const chosen = new Map<string, IndexedPackage>();
  const queue = [...names];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    if (chosen.has(name)) continue;
    const found = index.get(name);
    if (found === undefined) throw new Error(`image: Debian ${suite} has no package ${name}`);
    chosen.set(name, found);
    for (const group of dependencies(found)) {
      const provided = group.some((each) => chosen.has(each) || provider(chosen.values(), each) !== undefined);
      const next = group.find((each) => index.has(each)) ?? provider(index.values(), group[0] ?? '')?.name;
      if (!provided && next !== undefined) queue.push(next);
    }
  }
  return [...chosen.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** The alternatives of each dependency, without versions: one suite is consistent in itself. */
function dependencies({ control }: IndexedPackage): string[][] {
  return [control['Pre-Depends'], control.Depends]
    .flatMap((field) => field?.split(',') ?? [])
    .map((group) => group.split('|').map((each) => each.trim().replace(/[:\s(].*$/s, '')));
}

function provider(packages: Iterable<IndexedPackage>, name: string): IndexedPackage | undefined {
  return [...packages].find(({ control }) =>
    (control.Provides ?? '').split(',').some((each) => each.trim().replace(/[\s(].*$/s, '') === name),
  );
}

/** The digest of Node's binary as npm carries it, `sha512-` and base64. */
function nodeIntegrity(version: string, platform: Platform): string {
  const name = `node-linux-${platformNames[platform].npm}@${version}`;
  return execFileSync('npm', ['view', name, 'dist.integrity'], { encoding: 'utf8' }).trim();
}

async function forEachPlatform<T>(read: (platform: Platform) => Promise<T>): Promise<Record<Platform, T>> {
  const entries: [Platform, T][] = [];
  for (const platform of platforms) entries.push([platform, await read(platform)]);
  return Object.fromEntries(entries) as Record<Platform, T>;
}
