import { isPlainMap } from '../../../../lib/plain-map';
import type { EventWaits } from '../waits/event-waits';
import type { LatchWaits } from '../waits/latch-waits';
import type { WaitOrder, WaitResult } from '../workflow/execution-activities';

interface Waits {
  readonly latches: LatchWaits;
  readonly eventWaits: EventWaits;
}

/** Begins the wait of a step, or does at once what it asks for. */
export async function beginWait(waits: Waits, namespace: string, order: WaitOrder): Promise<WaitResult> {
  const { base, ref: step } = order;
  if (base === 'wait:event') return beginEventWait(waits.eventWaits, namespace, order);
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
  { latches, eventWaits }: Waits,
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
  eventWaits: EventWaits,
  namespace: string,
  { ref, parameters, input, executionMs }: WaitOrder,
): Promise<WaitResult> {
  const kind = parameterOf({ parameters }, 'event');
  if (kind === undefined) return { kind: 'failed', code: 'input-invalid', message: 'wait:event: event: missing' };
  const first: unknown = Array.isArray(input) ? input[0] : input;
  const found = await eventWaits.begin(namespace, {
    ref,
    kind,
    ...(parameterOf({ parameters }, 'match') === 'input' && isPlainMap(first) ? { match: first } : {}),
    isReceipted: !isPlainMap(parameters) || parameters.receipt !== false,
    ...(parameterOf({ parameters }, 'from') === 'start' ? { sinceMs: executionMs } : {}),
  });
  return found === undefined ? { kind: 'waits' } : { kind: 'ended', ...found };
}

function parameterOf({ parameters }: Pick<WaitOrder, 'parameters'>, key: string): string | undefined {
  const value = isPlainMap(parameters) ? parameters[key] : undefined;
  return typeof value === 'string' ? value : undefined;
}
