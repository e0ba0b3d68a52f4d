import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseIntegrity } from './cached-download';
import type { FileTree } from './file-tree';
import type { ImageLock } from './image-lock';
import { type Platform, platformNames } from './platform';

/** A package of the image in the words of SPDX 2.3. */
export interface SbomPackage {
  readonly name: string;
  readonly version: string;
  /** Package URL, by which scanners look up vulnerabilities. */
  readonly purl: string;
  readonly license?: string;
  /** Digest of the archive that the package came in. */
  readonly checksum?: { readonly algorithm: string; readonly checksumValue: string };
}

interface NpmEntry {
  readonly version: string;
  readonly license?: string;
  readonly integrity?: string;
}

/** What an image consists of: Debian's packages, Node, and the npm packages of `modules`. */
export function imagePackages(lock: ImageLock, platform: Platform, modules: FileTree, root: string): SbomPackage[] {
  const { debian, npm } = platformNames[platform];
  const distribution = lock.debian.suite;
  const packages = lock.debian.packages[platform].map(
    ({ name, version, sha256 }): SbomPackage => ({
      name,
      version,
      purl: `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${debian}&distro=${distribution}`,
      checksum: { algorithm: 'SHA256', checksumValue: sha256 },
    }),
  );
  const node: SbomPackage = {
    name: 'node',
    version: lock.node.version,
    purl: `pkg:generic/node@${lock.node.version}?arch=${npm}`,
    license: 'MIT',
    checksum: checksumOf(lock.node.integrity[platform]),
  };
  return [...packages, node, ...npmPackages(modules, root)];
}

/** The packages of package-lock.json of which the image has files. */
function npmPackages(modules: FileTree, root: string): SbomPackage[] {
  const lock = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8'));
  const installed = new Set(modules.paths().filter((file) => file.endsWith('/package.json')));
  const entries = Object.entries<NpmEntry>(lock.packages).filter(([place]) => place !== '');
  const present = entries.filter(([place]) => installed.has(`opt/kflow/${place}/package.json`));
  const packages = present.map(([place, { version, license, integrity }]): SbomPackage => {
    const name = place.replace(/^.*node_modules\//, '');
    const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
    return { name, version, purl, license, checksum: integrity === undefined ? undefined : checksumOf(integrity) };
  });
  return [...new Map(packages.map((each) => [each.purl, each])).values()];
}

/** An SPDX 2.3 document in JSON that says what the image of `digest` contains. */
export function renderSbom(
  image: { tag: string; digest: string; created: Date },
  packages: readonly SbomPackage[],
): string {
  const described = {
    SPDXID: 'SPDXRef-image',
    name: image.tag,
    versionInfo: image.digest,
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    primaryPackagePurpose: 'CONTAINER',
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: 'Apache-2.0',
    checksums: [{ algorithm: 'SHA256', checksumValue: image.digest.replace('sha256:', '') }],
  };
  const contained = packages.map(({ name, version, purl, license, checksum }, index) => ({
    SPDXID: `SPDXRef-package-${index + 1}`,
    name,
    versionInfo: version,
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: license ?? 'NOASSERTION',
    ...(checksum === undefined ? {} : { checksums: [checksum] }),
    externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl }],
  }));
  const document = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: image.tag,
    documentNamespace: `https://spdx.org/spdxdocs/kflow-${image.digest.replace(':', '-')}`,
    creationInfo: { created: image.created.toISOString().replace('.000Z', 'Z'), creators: ['Tool: kflow-image'] },
    packages: [described, ...contained],
    relationships: [
      relationship('SPDXRef-DOCUMENT', 'DESCRIBES', described.SPDXID),
      ...contained.map(({ SPDXID }) => relationship(described.SPDXID, 'CONTAINS', SPDXID)),
    ],
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function relationship(spdxElementId: string, relationshipType: string, relatedSpdxElement: string): object {
  return { spdxElementId, relationshipType, relatedSpdxElement };
}

function checksumOf(integrity: string): { algorithm: string; checksumValue: string } {
  const { algorithm, digest } = parseIntegrity(integrity);
  return { algorithm: algorithm.toUpperCase(), checksumValue: digest };
}
