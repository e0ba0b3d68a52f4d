import type { DraftFunction } from '../document/draft';
import { findMetaSetting, type MetaSetting } from '../document/meta-setting';
import { withArticle } from '../function-types/function-type';
import { showValue } from '../problem/show-value';
import type { ProblemList } from '../read/problem-list';

/** A replica holds two bulks, in 32 MiB. */
const limits = {
  'bulk.flush.timer': 24 * 60 * 60 * 1000,
  'bulk.flush.size': 100_000,
  'bulk.flush.bytes': 16 * 1024 * 1024,
} as const;
/** Checks the bulk settings. The mode is off unless it is enabled and the thresholds are above 0, which is no error. */
export function checkBulk(each: DraftFunction, problems: ProblemList): void {
  const enabled = findMetaSetting(each.meta, 'bulk.enabled');
  if (enabled?.value !== true) return;
  const at = (name: MetaSetting) => [...each.path, 'meta', ...(findMetaSetting(each.meta, name)?.path ?? [name])];
  const { kind } = each.descriptor ?? {};
  if (kind !== undefined && kind !== 'sink') {
    const message = `bulk mode has no effect: ${withArticle(each.type)} is no sink`;
    problems.warn({ code: 'setting-invalid', path: at('bulk.enabled'), message, at: 'key' });
    return;
  }
  for (const name of ['bulk.flush.timer', 'bulk.flush.size', 'bulk.flush.bytes'] as const) {
    const found = findMetaSetting(each.meta, name);
    if (Number(found?.value) > 0 || (found === undefined && name === 'bulk.flush.bytes')) continue;
    const path = found === undefined ? at('bulk.enabled') : at(name);
    const got = found === undefined ? 'it is missing' : `got ${showValue(path, found.value)}`;
    const message = `bulk mode is off: it needs ${name} above 0; ${got}`;
    problems.warn({ code: 'setting-invalid', path, message, at: found === undefined ? 'key' : 'value' });
  }
  for (const [name, limit] of Object.entries(limits) as [keyof typeof limits, number][]) {
    const value = findMetaSetting(each.meta, name)?.value;
    if (typeof value !== 'number' || value <= limit) continue;
    problems.add({ code: 'setting-invalid', path: at(name), message: `must be at most ${limit}, got ${value}` });
  }
}
