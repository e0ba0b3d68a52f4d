import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { digestOf, download } from './cached-download';
import { compareDebianVersions } from './debian-version';
import { decompressXz } from './xz';

/** A paragraph of a control file, by field name. */
export type Control = Readonly<Record<string, string | undefined>>;

/** A package as an index lists it, and the archive that has it. */
export interface IndexedPackage {
  readonly name: string;
  readonly version: string;
  readonly archive: string;
  readonly control: Control;
}

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** The newest version of every package in `suites`, whose signatures are checked against Debian's keys. */
export async function readDebianIndex(
  suites: readonly { readonly archive: string; readonly suite: string }[],
  architecture: string,
): Promise<ReadonlyMap<string, IndexedPackage>> {
  const newest = new Map<string, IndexedPackage>();
  for (const { archive, suite } of suites) {
    for (const control of await readSuite(archive, suite, architecture)) {
      const { Package: name = '', Version: version = '' } = control;
      const known = newest.get(name);
      if (known === undefined || compareDebianVersions(version, known.version) > 0) {
        newest.set(name, { name, version, archive, control });
      }
    }
  }
  return newest;
}

async function readSuite(archive: string, suite: string, architecture: string): Promise<Control[]> {
  const base = `https://deb.debian.org/${archive}/dists/${suite}`;
  const release = verified(await download(`${base}/InRelease`));
  const index = `main/binary-${architecture}/Packages.xz`;
  const sha256 = new RegExp(`^ ([0-9a-f]{64}) +\\d+ ${index}$`, 'm').exec(release)?.[1];
  if (sha256 === undefined) throw new Error(`${base}/InRelease: does not list ${index}`);
  const compressed = await download(`${base}/main/binary-${architecture}/by-hash/SHA256/${sha256}`);
  if (digestOf(compressed) !== sha256) throw new Error(`${base}/${index}: not the content that InRelease lists`);
  return parseControl((await decompressXz(compressed)).toString());
}

/** The signed text of an InRelease file; throws unless one of Debian's keys has signed it. */
function verified(signed: Buffer): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'kflow-release-'));
  try {
    const [input, output] = [path.join(folder, 'InRelease'), path.join(folder, 'Release')];
    writeFileSync(input, signed);
    execFileSync('gpgv', ['--quiet', '--keyring', keyring, '--output', output, input], { stdio: 'pipe' });
    return readFileSync(output, 'utf8');
  } catch (error) {
    throw new Error(`InRelease: gpgv cannot verify the signature with ${keyring}: ${(error as Error).message}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The paragraphs of a control file. */
export function parseControl(text: string): Control[] {
  return text
    .split(/\n\n+/)
    .filter((paragraph) => paragraph.trim() !== '')
    .map((paragraph) => {
      const fields = paragraph.replaceAll(/\n(?=[ \t])/g, '\u0000').split('\n');
      return Object.fromEntries(
        fields.map((field) => {
          const colon = field.indexOf(':');
          return [
            field.slice(0, colon),
            field
              .slice(colon + 1)
              .trim()
              .replaceAll('\u0000', '\n'),
          ];
        }),
      );
    });
}
