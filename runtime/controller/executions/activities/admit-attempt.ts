import { StoreError } from '../../../../lib/errors';
import type { ClaimedValues } from '../claimed-values';
import type { StepRef } from '../ports/step-ref';
import { taskId } from '../ports/task-id';
import type { LatchWaits } from '../waits/latch-waits';
import type { Memos } from '../waits/memos';
import type { AdmissionOrder, AdmissionResult, LeaveOrder } from '../workflow/execution-activities';

/** JSON of a longer output that is remembered is an object. */
const maxMemoBytes = 1_024;

interface Admission {
  readonly latches: LatchWaits;
  readonly memos: Memos;
  readonly values: ClaimedValues;
}

/** Whether an attempt may be sent: its result is not known, its rate lets it, and it has a place. */
export async function admitAttempt(
  { latches, memos, values }: Admission,
  namespace: string,
  { ref, base, memoize, rate, concurrency }: AdmissionOrder,
): Promise<AdmissionResult> {
  if (memoize !== undefined) {
    const memo = await memos.find(namespace, { base, memoize });
    const own = memo === undefined ? undefined : await ownOutput(values, ref, memo.output);
    if (own !== undefined) return { kind: 'known', ...own };
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
  { latches, memos, values }: Admission,
  namespace: string,
  { ref, base, memoize, concurrency, output }: LeaveOrder,
): Promise<void> {
  if (memoize !== undefined && output !== undefined) {
    const store = (key: string) => values.toStore(key, output.value, maxMemoBytes);
    await memos.remember(namespace, { base, memoize }, store);
  }
  if (concurrency !== undefined) await latches.leavePlace(namespace, { ref, base, limit: concurrency });
}

/** A remembered output for a step, which outlives the memo; undefined when its object is gone. */
async function ownOutput(
  values: ClaimedValues,
  ref: StepRef,
  remembered: unknown,
): Promise<{ readonly output: unknown } | undefined> {
  try {
    const output = await values.resolve(values.marked(remembered));
    return { output: await values.keep(`${taskId(ref)}/output`, output) };
  } catch (error) {
    if (error instanceof StoreError && error.detail.isFinal === true) return undefined;
    throw error;
  }
}
