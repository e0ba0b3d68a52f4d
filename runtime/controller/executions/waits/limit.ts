import type { TaskPolicy } from '../../../../lib/tasks/graph/task-policy';
import { includes, type StepRef, stepRefText } from '../ports/step-ref';

type ConcurrencyLimit = NonNullable<TaskPolicy['concurrency']>;
type RateLimit = NonNullable<TaskPolicy['rate']>;

/** The places below a concurrency limit. */
export interface Places {
  /** As whoever took a place last said. */
  readonly limit: number;
  readonly taken: readonly StepRef[];
  /** In the order of their arrival. */
  readonly waiting: readonly StepRef[];
  /** Those that got a place, until they know it. */
  readonly waking: readonly StepRef[];
}

/** Takes a place, or waits for one. */
export function takePlace(
  { taken, waiting, waking }: Omit<Places, 'limit'> = { taken: [], waiting: [], waking: [] },
  step: StepRef,
  { limit }: Pick<ConcurrencyLimit, 'limit'>,
): { readonly next: Places; readonly hasPlace: boolean } {
  if (includes(taken, step)) return { next: { limit, taken, waiting, waking }, hasPlace: true };
  if (includes(waiting, step)) return { next: { limit, taken, waiting, waking }, hasPlace: false };
  const hasPlace = taken.length < limit;
  const places = hasPlace ? { taken: [...taken, step], waiting } : { taken, waiting: [...waiting, step] };
  return { next: { limit, ...places, waking }, hasPlace };
}

/** Gives places back; those that wait longest get them. Undefined when nobody has a place or waits. */
export function leavePlaces(places: Places | undefined, steps: readonly StepRef[]): Places | undefined {
  if (places === undefined) return undefined;
  const isKept = (each: StepRef) => !includes(steps, each);
  const taken = places.taken.filter(isKept);
  const waiting = places.waiting.filter(isKept);
  const next = waiting.splice(0, Math.max(0, places.limit - taken.length));
  if (taken.length + next.length === 0) return undefined;
  return { ...places, taken: [...taken, ...next], waiting, waking: [...places.waking.filter(isKept), ...next] };
}

/** Starts of a rate limit: the times that were given out, by step. */
export interface Starts {
  readonly given: readonly (readonly [step: string, atMs: number])[];
}

/** The time at which a step may start, in ms; the same at each call for the step. */
export function nextStart(
  starts: Starts = { given: [] },
  step: StepRef,
  { limit, perMs, nowMs }: Pick<RateLimit, 'limit' | 'perMs'> & { readonly nowMs: number },
): { readonly next: Starts; readonly atMs: number } {
  const name = stepRefText(step);
  const known = starts.given.find(([each]) => each === name);
  if (known !== undefined) return { next: starts, atMs: known[1] };
  const given = starts.given.filter(([, atMs]) => atMs > nowMs - perMs);
  // the period before this start has at most limit - 1 others
  const before = given.map(([, atMs]) => atMs).sort((one, other) => one - other);
  const oldest = before.at(-limit);
  const atMs = Math.max(nowMs, oldest === undefined ? nowMs : oldest + perMs);
  return { next: { given: [...given, [name, atMs]] }, atMs };
}
