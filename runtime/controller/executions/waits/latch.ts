import { includes, type StepRef, stepRefText } from '../ports/step-ref';

/** A counter that steps raise and lower, and wait for. */
export interface Latch {
  readonly count: number;
  /** Operations that have been done, with their times in ms: a repeated one changes nothing. */
  readonly done: readonly (readonly [operation: string, atMs: number])[];
  readonly waiting: readonly StepRef[];
  /** Those whose wait is over, until they know it. */
  readonly waking: readonly StepRef[];
}

const none: Latch = { count: 0, done: [], waiting: [], waking: [] };
/** A step is begun again at most so much later. */
const rememberMs = 24 * 3_600_000;

/** Raises or lowers a latch, once for each step. At 0 or below, all waits are over. */
export function changeLatch(
  latch: Latch = none,
  { step, by, nowMs }: { readonly step: StepRef; readonly by: 1 | -1; readonly nowMs: number },
): Latch {
  const operation = stepRefText(step);
  if (latch.done.some(([known]) => known === operation)) return latch;
  const done = [...latch.done.filter(([, atMs]) => nowMs - atMs < rememberMs), [operation, nowMs] as const];
  const count = latch.count + by;
  if (count > 0) return { ...latch, done, count };
  return { done, count: 0, waiting: [], waking: [...latch.waking, ...latch.waiting] };
}

/** Waits for a latch; `isOpen` if there is nothing to wait for. */
export function awaitLatch(
  latch: Latch | undefined,
  step: StepRef,
): { readonly next: Latch | undefined; readonly isOpen: boolean } {
  if (latch === undefined || latch.count <= 0) return { next: latch, isOpen: true };
  if (includes(latch.waiting, step)) return { next: latch, isOpen: false };
  return { next: { ...latch, waiting: [...latch.waiting, step] }, isOpen: false };
}

/** Drops steps that do not wait any more, or know that their wait is over; a latch that holds nothing is removed. */
export function forgetSteps(latch: Latch | undefined, steps: readonly StepRef[], nowMs: number): Latch | undefined {
  if (latch === undefined) return undefined;
  const isKept = (each: StepRef) => !includes(steps, each);
  const done = latch.done.filter(([, atMs]) => nowMs - atMs < rememberMs);
  const next = { ...latch, done, waiting: latch.waiting.filter(isKept), waking: latch.waking.filter(isKept) };
  const isEmpty = next.count === 0 && done.length === 0 && next.waiting.length === 0 && next.waking.length === 0;
  return isEmpty ? undefined : next;
}
