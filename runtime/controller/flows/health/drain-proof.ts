import { isDeepStrictEqual } from 'node:util';
import type { FunctionProgress } from '../../ports/streams';

/** Whether a flow has processed all that its sources gave; else why that is not known, and who holds what. */
export type DrainProof =
  | { readonly isDrained: true }
  | {
      readonly isDrained: false;
      /** `moving`: nothing is left, but records moved between the two readings; `read-once`: there is one reading only. */
      readonly why: 'sources-running' | 'records-left' | 'read-once' | 'moving';
      /** Of the last reading; functions that hold nothing are not in it. */
      readonly holdings: readonly DrainHolding[];
    };

export interface DrainHolding {
  readonly function: string;
  /** Records that no replica has been given. */
  readonly pending: number;
  /** Records that replicas have and have not acked. */
  readonly held: number;
}

/**
 * Proves from readings in a row, the oldest first, that a flow is drained. A reading looks at one stream after the other
 * and may miss a record on its way from one to the next; when two say that nothing is left, and nothing has moved between
 * them, there was none.
 */
export function proveDrained(
  readings: readonly (readonly FunctionProgress[])[],
  haveSourcesEnded: boolean,
): DrainProof {
  const [before, last] = [readings.at(-2), readings.at(-1) ?? []];
  const holdings = holdingsOf(last);
  if (!haveSourcesEnded) return { isDrained: false, why: 'sources-running', holdings };
  if (holdings.length > 0) return { isDrained: false, why: 'records-left', holdings };
  if (before === undefined) return { isDrained: false, why: 'read-once', holdings };
  const isStill = holdingsOf(before).length === 0 && isDeepStrictEqual(positionsOf(before), positionsOf(last));
  return isStill ? { isDrained: true } : { isDrained: false, why: 'moving', holdings };
}

/** Who holds what, for people: `sink: 3 records waiting, 2 in work; p1: 1 record in work`. */
export function describeHoldings(holdings: readonly DrainHolding[]): string {
  return holdings
    .map(({ function: id, pending, held }) => {
      const parts = [
        ...(pending > 0 ? [`${countOf(pending)} waiting`] : []),
        ...(held > 0 ? [`${pending > 0 ? held : countOf(held)} in work`] : []),
      ];
      return `${id}: ${parts.join(', ')}`;
    })
    .join('; ');
}

function countOf(records: number): string {
  return records === 1 ? '1 record' : `${records} records`;
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

/** How far everything is: another number anywhere is a record that moved. */
function positionsOf(reading: readonly FunctionProgress[]): object {
  return Object.fromEntries(
    reading.flatMap(({ function: id, inputs, outputs, dead }) => [
      [id, dead],
      ...inputs.map(({ stream, acked }) => [`${id} < ${stream}`, acked] as const),
      ...outputs.map(({ stream, lastSequence }) => [`${id} > ${stream}`, lastSequence] as const),
    ]),
  );
}
