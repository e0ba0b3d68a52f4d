import { readPinned } from './cached-download';
import { parseControl } from './debian-index';
import { type DebianPackage, readDebianPackage, unpack } from './debian-package';
import { FileTree } from './file-tree';
import { type ImageLock, packageFile } from './image-lock';
import type { Platform } from './platform';

/** Documentation and translations, of which the copyright files remain. */
const unwanted = /^usr\/share\/(man|info|locale|lintian|bug|doc-base|doc\/(?!.*\/copyright$|[^/]+$))(\/|.)/;

/** Debian's root file system: every locked package unpacked, and what their maintainer scripts would do. */
export async function debianLayer(lock: ImageLock, platform: Platform): Promise<FileTree> {
  const tree = new FileTree();
  const status: string[] = [];
  for (const locked of baseFirst(lock.debian.packages[platform])) {
    const unpacked = await readDebianPackage(await readPinned(packageFile(lock, locked)));
    unpack(unpacked.files, tree, (file) => !unwanted.test(file));
    status.push(register(unpacked, tree));
  }
  tree.text('var/lib/dpkg/status', `${status.sort().join('\n')}`);
  tree.text('var/lib/dpkg/available', '');
  configure(tree, lock.debian.suite);
  return tree;
}

/** base-files has the links of the merged /usr, through which the others unpack. */
function baseFirst<T extends { readonly name: string }>(packages: readonly T[]): T[] {
  return [...packages].sort((left, right) => Number(right.name === 'base-files') - Number(left.name === 'base-files'));
}

/** Writes what dpkg keeps of an installed package, and returns its paragraph of the status file. */
function register({ control, files }: DebianPackage, tree: FileTree): string {
  const paragraph = control.get('control')?.toString() ?? '';
  const { Package: name = '', Architecture: architecture, 'Multi-Arch': multiArch } = parseControl(paragraph)[0] ?? {};
  const key = multiArch === 'same' ? `${name}:${architecture}` : name;
  const paths = files.map((file) => file.header.name.replace(/^\.(?=\/)/, '').replace(/(.)\/$/, '$1') || '/.');
  tree.text(`var/lib/dpkg/info/${key}.list`, `${paths.map((file) => (file === '/' ? '/.' : file)).join('\n')}\n`);
  for (const [file, content] of control) {
    if (file === '' || file === 'control') continue;
    tree.text(`var/lib/dpkg/info/${key}.${file}`, content, /^(pre|post)(inst|rm)$|^config$/.test(file) ? 0o755 : 0o644);
  }
  return paragraph.replace(/^Package: .*\n/, '$&Status: install ok installed\n').replace(/\n*$/, '\n');
}

/** The effect of the maintainer scripts, none of which runs. */
function configure(tree: FileTree, suite: string): void {
  const copies = {
    'usr/share/base-passwd/passwd.master': 'etc/passwd',
    'usr/share/base-passwd/group.master': 'etc/group',
    'usr/share/base-files/profile': 'etc/profile',
    'usr/share/base-files/dot.profile': 'root/.profile',
    'usr/share/base-files/dot.bashrc': 'root/.bashrc',
    'usr/share/debianutils/shells': 'etc/shells',
  };
  for (const [from, to] of Object.entries(copies)) tree.text(to, tree.read(from));
  const passwd = tree.read('etc/passwd').toString();
  tree.text(
    'etc/passwd',
    `${passwd}_apt:x:42:65534::/nonexistent:/usr/sbin/nologin\nkflow:x:1000:1000::/tmp:/usr/sbin/nologin\n`,
  );
  tree.text('etc/group', `${tree.read('etc/group').toString()}kflow:x:1000:\n`);
  for (const folder of ['mnt', 'srv', 'opt', 'media', 'var/opt', 'usr/local/bin', 'usr/local/lib'])
    tree.directory(folder);
  tree.directory('var/lib/apt/lists/partial', 0o700, { uid: 42 });
  tree.directory('run/lock', 0o1777);
  tree.symlink('var/run', '/run');
  tree.symlink('var/lock', '/run/lock');
  tree.symlink('etc/dpkg/origins/default', 'debian');
  tree.symlink('etc/localtime', '/usr/share/zoneinfo/Etc/UTC');
  addAlternative(tree, 'awk', '/usr/bin/mawk');
  addAlternative(tree, 'which', '/usr/bin/which.debianutils');
  addCertificates(tree);
  const archives = { [`${suite} ${suite}-updates`]: 'debian', [`${suite}-security`]: 'debian-security' };
  const sources = Object.entries(archives).map(
    ([suites, archive]) =>
      `Types: deb\nURIs: http://deb.debian.org/${archive}\nSuites: ${suites}\nComponents: main\n` +
      'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n',
  );
  tree.text('etc/apt/sources.list.d/debian.sources', sources.join('\n'));
}

function addAlternative(tree: FileTree, name: string, target: string): void {
  tree.symlink(`usr/bin/${name}`, `/etc/alternatives/${name}`);
  tree.symlink(`etc/alternatives/${name}`, target);
  tree.text(`var/lib/dpkg/alternatives/${name}`, `auto\n/usr/bin/${name}\n\n${target}\n5\n\n`);
}

/** One file with every CA; OpenSSL, and so Python, finds it at `cert.pem`, where it looks first. */
function addCertificates(tree: FileTree): void {
  const certificates = tree.paths().filter((file) => /^usr\/share\/ca-certificates\/.*\.crt$/.test(file));
  if (certificates.length === 0) throw new Error('image: ca-certificates has no certificates');
  const names = certificates.map((file) => file.replace('usr/share/ca-certificates/', ''));
  tree.text('etc/ca-certificates.conf', `${names.join('\n')}\n`);
  tree.text('etc/ssl/certs/ca-certificates.crt', Buffer.concat(certificates.map((file) => tree.read(file))));
  tree.symlink('usr/lib/ssl/cert.pem', '/etc/ssl/certs/ca-certificates.crt');
}
