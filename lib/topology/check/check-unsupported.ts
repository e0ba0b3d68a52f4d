import type { Draft, DraftFunction, Purpose } from '../document/draft';
import { findMetaSetting } from '../document/meta-setting';
import { Mode } from '../document/topology';
import { withArticle } from '../function-types/function-type';
import type { DocumentPath } from '../problem/problem';
import type { ProblemList } from '../read/problem-list';

/** A place in a function and the warning about it. */
interface Unsupported {
  readonly at: DocumentPath;
  readonly message: string;
}

interface FunctionRule {
  readonly find: (each: DraftFunction, draft: Draft) => Unsupported | undefined;
  /** Concerns only `kflow run`, not manifests. */
  readonly isLocal?: true;
}

const inFunctions: readonly FunctionRule[] = [
  {
    isLocal: true,
    find: (each, draft) => {
      if (each.descriptor === undefined || !isImageOnly(each, draft)) return undefined;
      const { code } = each.descriptor;
      const lacking = `${withArticle(each.type)} without meta.code or meta.module`;
      if (code === 'optional') return atImage(`${lacking} passes records through unchanged`);
      return code === 'required' ? atImage(`${lacking} cannot run`) : undefined;
    },
  },
  {
    find: ({ descriptor }, { root }) => {
      if (root.mode !== Mode.Batch || descriptor === undefined || descriptor.batch.ends) return undefined;
      return atType(descriptor.batch.warning);
    },
  },
];

function atType(message: string): Unsupported {
  return { at: ['type'], message };
}

function atImage(outcome: string): Unsupported {
  return { at: ['image'], message: `kflow run does not run images: ${outcome}` };
}

/** Warns about settings that this version or `kflow run` ignores. */
export function checkUnsupported(draft: Draft, problems: ProblemList, purpose: Purpose): void {
  for (const each of draft.functions) {
    for (const { find, isLocal } of inFunctions) {
      if (isLocal === true && purpose !== 'run') continue;
      const found = find(each, draft);
      if (found === undefined) continue;
      problems.warn({ code: 'not-run-yet', path: [...each.path, ...found.at], message: found.message, at: 'key' });
    }
  }
}

function isImageOnly({ raw, meta, globalConfig }: DraftFunction, draft: Draft): boolean {
  if (findMetaSetting(meta, 'code') !== undefined || findMetaSetting(meta, 'module') !== undefined) return false;
  return (raw.image ?? globalConfig.image ?? draft.globalConfig.image) !== undefined;
}
