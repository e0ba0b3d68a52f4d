import type { ReplayRequest } from '../../../api-contract/flow-changes';
import { usageError } from '../../exit-status';

/** `map=3` and the like as numbers of replicas by function. Throws CommandError on any other form. */
export function parseReplicas(counts: readonly string[]): { readonly [functionId: string]: number } {
  const entries = counts.map((text): [string, number] => {
    const [, name, count] = /^([^=]+)=(\d+)$/.exec(text) ?? [];
    if (name === undefined || Number(count) < 1) {
      const hint = /=0$/.test(text) ? '; kflow pause --function stops one for a while' : '';
      throw usageError(`"${text}" is no number of replicas; write FUNCTION=N, as in map=3${hint}`);
    }
    return [name, Number(count)];
  });
  return Object.fromEntries(entries);
}

/** Where a replay begins: `first`, a sequence of the input stream, or an ISO time. Throws CommandError on anything else. */
export function parseReplayStart(text: string): ReplayRequest['from'] {
  if (text === 'first') return 'first';
  if (/^\d+$/.test(text) && Number(text) >= 1) return { sequence: Number(text) };
  const isTime = /^\d{4}-\d{2}-\d{2}/.test(text) && !Number.isNaN(Date.parse(text));
  if (isTime) return { time: new Date(text).toISOString() };
  throw usageError(`--from ${text}: it has to be first, a sequence (1 or more), or a time as in 2026-01-31T08:00:00Z`);
}
