import { createHash } from 'node:crypto';
import type { ClaimedValues } from '../claimed-values';
import type { SharedValues } from '../ports/shared-values';
import type { LatchWaits } from '../waits/latch-waits';
import type { AdmissionOrder, AdmissionResult, LeaveOrder } from '../workflow/execution-activities';

interface Admission {
  readonly latches: LatchWaits;
  readonly shared: SharedValues;
  readonly values: ClaimedValues;
}

/** A result that is remembered. */
interface Memo {
  readonly atMs: number;
  readonly output?: unknown;
}

/** Whether an attempt may be sent: its result is not known, its rate lets it, and it has a place. */
export async function admitAttempt(
  { latches, shared, values }: Admission,
  namespace: string,
  { ref, base, memoize, rate, concurrency }: AdmissionOrder,
): Promise<AdmissionResult> {
  if (memoize !== undefined) {
    const memo = await shared.get<Memo>(namespace, memoKey(base, memoize.key));
    const { maxAgeMs = Number.POSITIVE_INFINITY } = memoize;
    if (memo !== undefined && Date.now() - memo.atMs <= maxAgeMs) {
      return { kind: 'known', output: values.marked(memo.output) };
    }
  }
  if (rate !== undefined) {
    const atMs = await latches.nextStart(namespace, { ref, base, limit: rate });
    if (atMs > Date.now()) return { kind: 'later', atMs };
  }
  if (concurrency === undefined) return { kind: 'admitted' };
  const hasPlace = await latches.takePlace(namespace, { ref, base, limit: concurrency });
  return { kind: hasPlace ? 'admitted' : 'waits' };
}

/** Gives the place of an ended attempt back, and remembers its result. */
export async function leaveAttempt(
  { latches, shared, values }: Admission,
  namespace: string,
  { ref, base, memoize, concurrency, output }: LeaveOrder,
): Promise<void> {
  if (memoize !== undefined && output !== undefined) {
    const key = memoKey(base, memoize.key);
    const next: Memo = { atMs: Date.now(), output: await values.toStore(`/${key}`, output.value) };
    await shared.change<Memo, void>(namespace, key, () => ({ next, result: undefined }));
  }
  if (concurrency !== undefined) await latches.leavePlace(namespace, { ref, base, limit: concurrency });
}

function memoKey(base: string, key: string): string {
  return `memo/${createHash('sha256').update(`${base} ${key}`).digest('hex').slice(0, 32)}`;
}
