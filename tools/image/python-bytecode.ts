import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { FileTree } from './file-tree';
import type { Platform } from './platform';

/** The platform whose programs run here, if there is one. */
export const ownPlatform: Platform | undefined =
  process.platform !== 'linux'
    ? undefined
    : process.arch === 'x64'
      ? 'linux/amd64'
      : process.arch === 'arm64'
        ? 'linux/arm64'
        : undefined;

const libraries = { 'linux/amd64': 'usr/lib/x86_64-linux-gnu', 'linux/arm64': 'usr/lib/aarch64-linux-gnu' };
const loaders = { 'linux/amd64': 'ld-linux-x86-64.so.2', 'linux/arm64': 'ld-linux-aarch64.so.1' };

/**
 * Adds bytecode beside every Python file of `trees`, as Debian's scripts would: a process in a container cannot write any, and without it
 * each start of Python takes a fifth of a second longer. It is checked against nothing, and the same on every processor.
 * `debian` is the root file system of `ownPlatform`, whose Python compiles.
 */
export function addBytecode(debian: FileTree, platform: Platform, trees: readonly FileTree[]): void {
  const folder = mkdtempSync(path.join(tmpdir(), 'kflow-python-'));
  try {
    const [python, work] = [path.join(folder, 'python'), path.join(folder, 'work')];
    const program = debian.paths().find((file) => /^usr\/bin\/python3\.\d+$/.test(file)) ?? '';
    const library = program.replace('usr/bin/', 'usr/lib/');
    writeTree(debian, python, (file) =>
      [program, library, libraries[platform]].some((part) => file === part || file.startsWith(`${part}/`)),
    );
    for (const [index, tree] of trees.entries()) {
      const sources = path.join(work, String(index));
      writeTree(tree, sources, (file) => file.endsWith('.py'));
      compile(python, program, platform, sources);
      for (const file of readdirSync(sources, { recursive: true, encoding: 'utf8' })) {
        if (file.endsWith('.pyc')) tree.text(file, readFileSync(path.join(sources, file)));
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function compile(python: string, program: string, platform: Platform, sources: string): void {
  const libraryPath = path.join(python, libraries[platform]);
  const loader = path.join(libraryPath, loaders[platform]);
  const options = [
    '-S',
    '-s',
    '-P',
    '-m',
    'compileall',
    '-q',
    '--invalidation-mode',
    'unchecked-hash',
    '-s',
    sources,
    '-p',
    '/',
    sources,
  ];
  execFileSync(loader, ['--library-path', libraryPath, path.join(python, program), ...options], {
    env: { PYTHONHASHSEED: '0' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

function writeTree(tree: FileTree, folder: string, isWanted: (file: string) => boolean): void {
  mkdirSync(folder, { recursive: true });
  for (const file of tree.paths().filter(isWanted)) {
    const entry = tree.get(file);
    const target = path.join(folder, file);
    mkdirSync(path.dirname(target), { recursive: true });
    if (entry?.type === 'file') writeFileSync(target, tree.read(file), { mode: entry.mode });
    if (entry?.type === 'symlink' && !entry.target.startsWith('/')) symlinkSync(entry.target, target);
  }
}
