import { readFileSync } from 'node:fs';
import path from 'node:path';
import { download, type PinnedFile } from './cached-download';
import type { Platform } from './platform';

/** Everything that the image gets from outside npm, by digest; `npm run image -- --update` writes it. */
export interface ImageLock {
  readonly node: { readonly version: string; readonly integrity: Readonly<Record<Platform, string>> };
  readonly debian: {
    readonly suite: string;
    /** The instant at which the packages were the newest ones, as snapshot.debian.org writes it. */
    readonly snapshot: string;
    readonly packages: Readonly<Record<Platform, readonly LockedPackage[]>>;
  };
}

export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  /** `debian` or `debian-security`, and the path within. */
  readonly archive: string;
  readonly path: string;
  readonly sha256: string;
}

export const lockFile = path.join(__dirname, 'image.lock.json');

export function readImageLock(): ImageLock {
  return JSON.parse(readFileSync(lockFile, 'utf8'));
}

/** Where a package is: in the archive while it is current, in the snapshot for ever. */
export function packageFile(lock: ImageLock, { archive, path: file, sha256 }: LockedPackage): PinnedFile {
  const urls = [
    `https://deb.debian.org/${archive}/${file}`,
    `https://snapshot.debian.org/archive/${archive}/${lock.debian.snapshot}/${file}`,
  ];
  const sources = urls.map((url) => () => download(url));
  return { name: path.basename(file), algorithm: 'sha256', digest: sha256, sources };
}

/** The instant of the image and of all its files, so that a build tomorrow gives the same bits. */
export function imageTime(lock: ImageLock): Date {
  const epoch = process.env.SOURCE_DATE_EPOCH;
  if (epoch !== undefined) return new Date(Number(epoch) * 1000);
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(lock.debian.snapshot) ?? [];
  return new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}
