import { createHash } from 'node:crypto';
import type { SharedValues } from '../ports/shared-values';
import type { TaskValues } from '../ports/task-values';

/** Of a namespace: the newest are kept. */
export const maxMemos = 10_000;
const prefix = 'memo/';

/** A result that is remembered. */
interface Memo {
  readonly atMs: number;
  /** Absent: it does not expire. */
  readonly maxAgeMs?: number;
  readonly output?: unknown;
}

interface MemoizedTask {
  readonly base: string;
  readonly memoize: { readonly key: string; readonly maxAgeMs?: number };
}

/**
 * Results of tasks that the executions of a namespace remember.
 *
 * M1. A memo is removed before its object. Whoever has found it may find its object no more: then there is no memo.
 */
export class Memos {
  constructor(private readonly props: { readonly shared: SharedValues; readonly values: Pick<TaskValues, 'remove'> }) {}

  /** The output that was stored last for a task, unless it is too old. */
  async find(namespace: string, { base, memoize }: MemoizedTask): Promise<{ readonly output?: unknown } | undefined> {
    const memo = await this.props.shared.get<Memo>(namespace, keyOf(base, memoize.key));
    const { maxAgeMs = Number.POSITIVE_INFINITY } = memoize;
    return memo === undefined || Date.now() - memo.atMs > maxAgeMs ? undefined : memo;
  }

  /** `store` returns what is to be found: the output, or the claim of the object with the key. */
  async remember(
    namespace: string,
    { base, memoize }: MemoizedTask,
    store: (key: string) => Promise<unknown>,
  ): Promise<void> {
    const key = keyOf(base, memoize.key);
    const { maxAgeMs } = memoize;
    const output = await store(`/${key}`);
    const next: Memo = { atMs: Date.now(), ...(maxAgeMs === undefined ? {} : { maxAgeMs }), output };
    await this.props.shared.change<Memo, void>(namespace, key, () => ({ next, result: undefined }));
  }

  /** Removes what is older than its task accepts, and the oldest beyond the limit. */
  async sweep(namespace: string): Promise<void> {
    const all = [...(await this.props.shared.all<Memo>(namespace, prefix))].sort(([, a], [, b]) => b.atMs - a.atMs);
    const nowMs = Date.now();
    const isFresh = ({ atMs, maxAgeMs = Number.POSITIVE_INFINITY }: Memo) => nowMs - atMs <= maxAgeMs;
    const kept = new Set(all.filter(([, memo]) => isFresh(memo)).slice(0, maxMemos));
    for (const entry of all) if (!kept.has(entry)) await this.remove(namespace, entry);
  }

  /** M1. */
  private async remove(namespace: string, [key, { atMs }]: readonly [key: string, memo: Memo]): Promise<void> {
    const { shared, values } = this.props;
    const isRemoved = await shared.change<Memo, boolean>(namespace, key, (stored) =>
      stored?.atMs === atMs ? { next: undefined, result: true } : { next: stored, result: false },
    );
    if (isRemoved) await values.remove(namespace, `/${key}`);
  }
}

function keyOf(base: string, key: string): string {
  return `${prefix}${createHash('sha256').update(`${base} ${key}`).digest('hex').slice(0, 32)}`;
}
