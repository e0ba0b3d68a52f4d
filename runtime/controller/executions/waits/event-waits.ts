import { isDeepStrictEqual } from 'node:util';
import { isPlainMap } from '../../../../lib/plain-map';
import type { SharedValues } from '../ports/shared-values';
import { type StepRef, stepRefText } from '../ports/step-ref';
import type { StoredEvent, TaskEvents } from '../ports/task-events';

/** How far the clocks of controllers and servers may be apart. */
const maxSkewMs = 60_000;

/** A step that waits for an event. */
export interface EventWait {
  readonly ref: StepRef;
  readonly kind: string;
  /** Fields that the event must have, with these values. */
  readonly match?: { readonly [field: string]: unknown };
  /** Whether the event gets a receipt. */
  readonly isReceipted: boolean;
  /** Events before this place do not count; 0: those before `fromMs`. */
  readonly from: number;
  /** When the wait began, or when the execution did if it counts from there, in ms since 1970. */
  readonly fromMs: number;
}

/** Tells executions that the waits of these steps are over, each with the output of its step, if there is one. */
type EndWaits = (
  namespace: string,
  ended: readonly { readonly ref: StepRef; readonly output?: unknown }[],
) => Promise<void>;

export interface EventWaitsProps {
  readonly shared: SharedValues;
  readonly events: TaskEvents;
  readonly endWaits: EndWaits;
}

/**
 * The steps of all executions that wait for events.
 *
 * W1. A wait is stored before events are looked at, and every event is shown to the waits that are stored: none is missed.
 * W2. An event that comes to a wait twice changes nothing: the step has ended.
 */
export class EventWaits {
  constructor(private readonly props: EventWaitsProps) {}

  /** Begins a wait. Returns the output of the step, in an object, if an event that counts is there already. */
  async begin(
    namespace: string,
    wait: Omit<EventWait, 'from' | 'fromMs'> & { readonly sinceMs?: number },
  ): Promise<{ readonly output?: unknown } | undefined> {
    const { shared, events } = this.props;
    await this.listen(namespace);
    const { sinceMs, ...asked } = wait;
    const from = sinceMs === undefined ? await events.nextSequence(namespace) : 0;
    const begun = { ...asked, from, fromMs: sinceMs ?? Date.now() };
    // W1; a step that is begun again waits from where it did
    const stored = await shared.change<EventWait, EventWait>(namespace, keyOf(wait), (known) => {
      const next = known ?? begun;
      return { next, result: next };
    });
    const since = { sequence: stored.from, ms: stored.fromMs - maxSkewMs };
    const found = (await events.since(namespace, wait.kind, since)).find((event) => matches(stored, event));
    if (found === undefined) return undefined;
    await this.end(namespace, stored, found);
    return outputOf(stored, found);
  }

  /** Shows the events of a namespace to the waits, from then on. */
  listen(namespace: string): Promise<void> {
    return this.props.events.listen(namespace, (event) => this.take(namespace, event));
  }

  forget(namespace: string, wait: Pick<EventWait, 'ref' | 'kind'>): Promise<void> {
    return this.props.shared.change(namespace, keyOf(wait), () => ({ next: undefined, result: undefined }));
  }

  private async take(namespace: string, event: StoredEvent): Promise<void> {
    const { shared, endWaits } = this.props;
    const waits = await shared.all<EventWait>(namespace, `event/${event.kind}/`);
    const matching = waits.map(([, wait]) => wait).filter((wait) => matches(wait, event));
    if (matching.length === 0) return;
    await endWaits(
      namespace,
      matching.map((wait) => ({ ref: wait.ref, ...outputOf(wait, event) })),
    );
    for (const wait of matching) await this.end(namespace, wait, event);
  }

  private async end(namespace: string, wait: EventWait, event: StoredEvent): Promise<void> {
    if (wait.isReceipted) await this.props.events.receipt(namespace, event, wait.ref);
    await this.forget(namespace, wait);
  }
}

function matches({ kind, match, from, fromMs }: EventWait, event: StoredEvent): boolean {
  if (event.kind !== kind || event.sequence < from) return false;
  if (from === 0 && Date.parse(event.at) < fromMs) return false;
  return Object.entries(match ?? {}).every(([field, value]) => isDeepStrictEqual(event.data[field], value));
}

/** The output of the event over the fields that matched; without one, the step passes its input on. */
function outputOf({ match = {} }: EventWait, { output }: StoredEvent): { readonly output?: unknown } {
  if (output === undefined) return {};
  return { output: isPlainMap(output) ? { ...match, ...output } : output };
}

function keyOf({ ref, kind }: Pick<EventWait, 'ref' | 'kind'>): string {
  return `event/${kind}/${Buffer.from(stepRefText(ref)).toString('base64url')}`;
}
