import { isPlainMap } from '../../../../lib/plain-map';
import { ClaimedValues } from '../claimed-values';
import type { TaskValues } from '../ports/task-values';
import type { EventWaits } from '../waits/event-waits';
import type { LatchWaits } from '../waits/latch-waits';
import type { WaitOrder, WaitResult } from '../workflow/execution-activities';
import { finalFailure } from './final-failure';

interface Waits {
  readonly latches: LatchWaits;
  readonly eventWaits: EventWaits;
  readonly values: TaskValues;
}

/** Waits for events are stored with what they match. */
const maxMatchLength = 250_000;

/** Begins the wait of a step, or does at once what it asks for. */
export async function beginWait(waits: Waits, namespace: string, order: WaitOrder): Promise<WaitResult> {
  const { base, ref: step } = order;
  if (base === 'wait:event')
    return beginEventWait(waits, namespace, order).catch((error) => ({ kind: 'failed', ...finalFailure(error) }));
  const name = parameterOf(order, 'name');
  if (name === undefined) return { kind: 'failed', code: 'input-invalid', message: `${base}: name: missing` };
  const { latches } = waits;
  switch (base) {
    case 'wait:acquire':
    case 'wait:release':
      await latches.change(namespace, name, { step, by: base === 'wait:acquire' ? 1 : -1 });
      return { kind: 'ended' };
    case 'wait:countdown':
      return (await latches.countdown(namespace, name, step)) ? { kind: 'ended' } : { kind: 'waits' };
    default:
      return { kind: 'failed', code: 'task-unknown', message: `${base}: no such task` };
  }
}

/** A step that does not wait any more. */
export async function endWait(
  { latches, eventWaits }: Omit<Waits, 'values'>,
  namespace: string,
  order: Pick<WaitOrder, 'ref' | 'base' | 'parameters'>,
): Promise<void> {
  const { base, ref } = order;
  const kind = parameterOf(order, 'event');
  const name = parameterOf(order, 'name');
  if (base === 'wait:event' && kind !== undefined) await eventWaits.forget(namespace, { ref, kind });
  if (base === 'wait:countdown' && name !== undefined) await latches.forget(namespace, name, ref);
}

async function beginEventWait(
  { eventWaits, values }: Waits,
  namespace: string,
  { ref, parameters, input, mark, executionMs }: WaitOrder,
): Promise<WaitResult> {
  const kind = parameterOf({ parameters }, 'event');
  if (kind === undefined) return { kind: 'failed', code: 'input-invalid', message: 'wait:event: event: missing' };
  const isMatched = parameterOf({ parameters }, 'match') === 'input';
  const claimed = new ClaimedValues(values, namespace, mark);
  const whole = isMatched ? await claimed.resolve(input) : undefined;
  const first: unknown = Array.isArray(whole) ? whole[0] : whole;
  if (JSON.stringify(first ?? {}).length > maxMatchLength) {
    const message = `wait:event: match: the input is longer than ${maxMatchLength} characters of JSON`;
    return { kind: 'failed', code: 'input-invalid', message };
  }
  const found = await eventWaits.begin(namespace, {
    ref,
    kind,
    ...(isPlainMap(first) ? { match: first } : {}),
    isReceipted: !isPlainMap(parameters) || parameters.receipt !== false,
    ...(parameterOf({ parameters }, 'from') === 'start' ? { sinceMs: executionMs } : {}),
  });
  return found === undefined ? { kind: 'waits' } : { kind: 'ended', ...found };
}

function parameterOf({ parameters }: Pick<WaitOrder, 'parameters'>, key: string): string | undefined {
  const value = isPlainMap(parameters) ? parameters[key] : undefined;
  return typeof value === 'string' ? value : undefined;
}
