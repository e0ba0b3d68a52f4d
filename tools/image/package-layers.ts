import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, lstatSync, mkdtempSync, readdirSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FileTree } from './file-tree';
import { type Platform, platformNames } from './platform';

const home = 'opt/kflow';

/** What no program reads: types, source maps and documentation, but not licenses; and files for other platforms. */
const unread =
  /\.(map|d\.[mc]?ts)$|(^|\/)(?!licen[cs]e|notice|copying|copyright)[^/]*\.(md|markdown)$|(^|\/)\.package-lock\.json$/i;

/** Sources of Temporal's native part. */
const nativeSources = /^@temporalio\/core-bridge\/(sdk-core|src|bridge-macros)\//;

/** What the build makes beside the compiled sources. */
const workflowBundle = 'dist/js/runtime/controller/workflow-bundle.js';

const nativeReleases = /^@temporalio\/core-bridge\/releases\/([^/]+)\//;

/** The dependencies of package-lock.json for `platform`; `folder` keeps them until the layer is written. */
export function modulesLayer(root: string, platform: Platform): { readonly tree: FileTree; readonly folder: string } {
  const folder = mkdtempSync(path.join(tmpdir(), 'kflow-modules-'));
  for (const file of ['package.json', 'package-lock.json'])
    copyFileSync(path.join(root, file), path.join(folder, file));
  const { npm, rust } = platformNames[platform];
  const target = ['--os=linux', `--cpu=${npm}`, '--libc=glibc'];
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--silent'];
  execFileSync('npm', ['ci', '--omit=dev', ...target, ...quiet], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const modules = path.join(folder, 'node_modules');
  const tree = new FileTree();
  addFolder(tree, modules, `${home}/node_modules`, (file) => {
    const release = nativeReleases.exec(file)?.[1];
    return !unread.test(file) && !nativeSources.test(file) && (release === undefined || release === rust);
  });
  if (!tree.paths().some((file) => file.includes(`/core-bridge/releases/${rust}/`))) {
    throw new Error(`image: @temporalio/core-bridge has no ${rust}`);
  }
  return { tree, folder };
}

/** KFlow itself: what `npm run build` made of the sources that are there, and the Python SDK. */
export function applicationLayer(root: string): FileTree {
  const tree = new FileTree();
  for (const file of ['package.json', 'LICENSE']) addFile(tree, path.join(root, file), `${home}/${file}`);
  addFolder(
    tree,
    path.join(root, 'sdk/python/kfbasicpy'),
    `${home}/sdk/python/kfbasicpy`,
    (file) => file.endsWith('.py') || file.endsWith('py.typed'),
  );
  const built = path.join(root, 'dist/js');
  addFolder(tree, built, `${home}/dist/js`, (file) => isBuilt(root, file));
  if (tree.get(`${home}/${workflowBundle}`) === undefined) throw new Error('image: not built; run npm run build');
  tree.symlink('usr/local/bin/kflow', `/${home}/dist/js/runtime/cli/main.js`);
  return tree;
}

/** Whether a file of dist/js comes from a source that is still there, or from the build itself. */
function isBuilt(root: string, file: string): boolean {
  if (file.startsWith('bench/') || !/\.(js|json)$/.test(file)) return false;
  return `dist/js/${file}` === workflowBundle || existsSync(path.join(root, file.replace(/\.js$/, '.ts')));
}

function addFolder(tree: FileTree, from: string, to: string, isWanted: (file: string) => boolean): void {
  for (const file of readdirSync(from, { recursive: true, encoding: 'utf8' })) {
    const source = path.join(from, file);
    if (!lstatSync(source).isDirectory() && isWanted(file)) addFile(tree, source, `${to}/${file}`);
  }
}

/** Adds a file readable by everybody; executable if it is so for its owner, or a command. */
function addFile(tree: FileTree, source: string, target: string): void {
  const stat = lstatSync(source);
  if (stat.isSymbolicLink()) {
    tree.symlink(target, readlinkSync(source));
    return;
  }
  const isCommand = (stat.mode & 0o100) !== 0 || target.endsWith('/cli/main.js');
  tree.add(target, { type: 'file', mode: isCommand ? 0o755 : 0o644, content: { path: source } });
}
