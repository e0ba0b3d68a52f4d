import type { Draft, DraftFunction } from '../document/draft';
import { findMetaSetting } from '../document/meta-setting';
import type { ProblemList } from '../read/problem-list';

/** A function named `finish` at the top level, in Python, TypeScript or JavaScript. */
const finish = /^((async[ \t]+)?def[ \t]+|(export[ \t]+)?(async[ \t]+)?function\b[ \t]*\*?[ \t]*)finish[ \t]*\(/m;

/** Warns about an aggregate whose records have no schema: only records of an input can be passed on without one. */
export function checkAggregates(draft: Draft, problems: ProblemList): void {
  for (const each of draft.functions) {
    if (!lacksSchema(each)) continue;
    const code = findMetaSetting(each.meta, 'code');
    if (typeof code?.value !== 'string' || !finish.test(code.value)) continue;
    problems.warn({
      code: 'schema-missing',
      path: [...each.path, 'meta', ...code.path],
      message: 'finish gives an aggregate, which has no input to take its schema from; set schema',
      at: 'key',
    });
  }
}

function lacksSchema({ kind, raw, out }: DraftFunction): boolean {
  return kind === 'process' && raw.schema === undefined && out.length > 0;
}
