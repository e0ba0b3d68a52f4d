import type { PlainMap } from '../../plain-map';
import { sectionOf } from '../document/complete-topology';
import type { Draft, DraftFunction } from '../document/draft';
import { findMetaSetting, type MetaSetting } from '../document/meta-setting';
import type { Purpose } from '../document/purpose';
import type { DocumentPath } from '../problem/document-path';
import type { ProblemList } from '../read/problem-list';

/** What this version reads and checks, but does not do yet: where it is written, and what happens in its place. */
interface Unsupported {
  readonly find: (each: DraftFunction, draft: Draft) => DocumentPath | undefined;
  readonly message: string;
  /** Of no concern to manifests. */
  readonly isLocal?: true;
}

const inSections: readonly { readonly section: string; readonly message: string; readonly isLocal?: true }[] = [
  { section: 'sideStream', message: 'errors are not published yet; they are logged and go to the dead letters' },
  { section: 'metrics', message: 'kflow run exports no metrics; the pods of a cluster do', isLocal: true },
  { section: 'devStore', message: 'step by step runs are not there yet; the flow runs as without devStore' },
];

const inFunctions: readonly Unsupported[] = [
  {
    find: ({ raw }) => (raw.partitionBy === undefined ? undefined : ['partitionBy']),
    message: 'records are not partitioned yet; each replica takes what comes next',
  },
  {
    find: (each) => metaPath(each, 'bulk.enabled', true),
    message: 'bulk mode is not there yet; records are written one by one',
  },
  {
    find: ({ type }) => (type === 'elastic-sink' || type === 'nats-sink' ? ['type'] : undefined),
    message: 'this sink is not there yet: it does not run',
  },
  {
    find: (each, draft) => (each.type === 'raw' && isImageOnly(each, draft) ? ['image'] : undefined),
    isLocal: true,
    message: 'kflow run does not run images: a raw without meta.code or meta.module passes its records on unchanged',
  },
  {
    find: (each, draft) => (each.type === 'raw-source' && isImageOnly(each, draft) ? ['image'] : undefined),
    isLocal: true,
    message: 'kflow run does not run images: it refuses a raw-source without meta.code or meta.module',
  },
  {
    find: (each, { root }) => (each.type === 'raw-source' && root.mode === 'batch' ? ['type'] : undefined),
    message: 'in mode batch a raw-source runs until its function returns None; one that never does never ends',
  },
];

/** Warnings about what will not be done as written. */
export function checkUnsupported(draft: Draft, problems: ProblemList, purpose: Purpose): void {
  const configs: readonly (readonly [PlainMap, DocumentPath])[] = [
    [draft.globalConfig, []],
    ...draft.functions.map(({ globalConfig, path }) => [globalConfig, path] as const),
  ];
  for (const [config, above] of configs) {
    for (const { section, message, isLocal } of inSections) {
      if (isLocal === true && purpose !== 'run') continue;
      if (sectionOf(config, section).enabled !== true) continue;
      const path = [...above, 'globalConfig', section, 'enabled'];
      problems.warn({ code: 'not-run-yet', path, message, at: 'key' });
    }
  }
  for (const each of draft.functions) {
    for (const { find, message, isLocal } of inFunctions) {
      if (isLocal === true && purpose !== 'run') continue;
      const below = find(each, draft);
      if (below !== undefined) {
        problems.warn({ code: 'not-run-yet', path: [...each.path, ...below], message, at: 'key' });
      }
    }
  }
}

function metaPath({ meta }: DraftFunction, name: MetaSetting, value: unknown): DocumentPath | undefined {
  const found = findMetaSetting(meta, name);
  return found !== undefined && found.value === value ? ['meta', ...found.path] : undefined;
}

function isImageOnly({ raw, meta, globalConfig }: DraftFunction, draft: Draft): boolean {
  if (findMetaSetting(meta, 'code') !== undefined || findMetaSetting(meta, 'module') !== undefined) return false;
  return (raw.image ?? globalConfig.image ?? draft.globalConfig.image) !== undefined;
}
