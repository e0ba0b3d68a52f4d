import { isDeepStrictEqual } from 'node:util';
import { countedRecords } from '../../../../lib/counted';
import type { FunctionProgress } from '../../ports/streams';

/** Whether a flow has processed every record of its sources; if not, why, and which functions hold records. */
export type DrainCheck =
  | { readonly isDrained: true }
  | {
      readonly isDrained: false;
      /** `moving`: nothing is left, but records moved between the two readings; `read-once`: there is only one reading. */
      readonly why: 'sources-running' | 'records-left' | 'read-once' | 'moving';
      /** From the last reading, without functions that hold nothing. */
      readonly holdings: readonly DrainHolding[];
    };

export interface DrainHolding {
  readonly function: string;
  /** Records that are not delivered to a replica yet. */
  readonly pending: number;
  /** Records that are delivered but not acked yet. */
  readonly held: number;
}

/**
 * Decides from consecutive readings, the oldest first, whether a flow is drained. A reading visits the streams one after
 * the other and may miss a record that moves from one to the next. If two readings show no record and no movement in
 * between, there was none.
 */
export function checkDrained(
  readings: readonly (readonly FunctionProgress[])[],
  haveSourcesEnded: boolean,
): DrainCheck {
  const [before, last] = [readings.at(-2), readings.at(-1) ?? []];
  const holdings = holdingsOf(last);
  if (!haveSourcesEnded) return { isDrained: false, why: 'sources-running', holdings };
  if (holdings.length > 0) return { isDrained: false, why: 'records-left', holdings };
  if (before === undefined) return { isDrained: false, why: 'read-once', holdings };
  const isStill = holdingsOf(before).length === 0 && isDeepStrictEqual(positionsOf(before), positionsOf(last));
  return isStill ? { isDrained: true } : { isDrained: false, why: 'moving', holdings };
}

/** Text such as `sink: 3 records pending, 2 in progress; p1: 1 record in progress`. */
export function describeHoldings(holdings: readonly DrainHolding[]): string {
  return holdings
    .map(({ function: id, pending, held }) => {
      const parts = [
        ...(pending > 0 ? [`${countedRecords(pending)} pending`] : []),
        ...(held > 0 ? [`${pending > 0 ? held : countedRecords(held)} in progress`] : []),
      ];
      return `${id}: ${parts.join(', ')}`;
    })
    .join('; ');
}

function holdingsOf(reading: readonly FunctionProgress[]): readonly DrainHolding[] {
  return reading
    .map(({ function: id, inputs }) => ({
      function: id,
      pending: inputs.reduce((sum, input) => sum + input.pending, 0),
      held: inputs.reduce((sum, input) => sum + input.ackPending, 0),
    }))
    .filter(({ pending, held }) => pending + held > 0);
}

/** Every position of the flow: a record that moves changes at least one of them. */
function positionsOf(reading: readonly FunctionProgress[]): object {
  return Object.fromEntries(
    reading.flatMap(({ function: id, inputs, outputs, dead }) => [
      [id, dead],
      ...inputs.map(({ stream, acked }) => [`${id} < ${stream}`, acked] as const),
      ...outputs.map(({ stream, lastSequence }) => [`${id} > ${stream}`, lastSequence] as const),
    ]),
  );
}
