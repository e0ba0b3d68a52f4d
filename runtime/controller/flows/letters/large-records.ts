import { KFlowError } from '../../../../lib/errors';
import type { FlowKey } from '../../../api-contract/flow-key';
import type { LetterDetail } from '../../../api-contract/letters';
import type { LargeRecords, Letters } from '../../ports/letters';

/** Largest record that is shown. */
const maxShownBytes = 16 * 1024 ** 2;

interface Shown {
  readonly letters: Pick<Letters, 'recordOf'>;
  readonly records: LargeRecords;
  /** The record replaces its claim in `payload`, and is not decoded. */
  readonly raw: boolean;
}

/** A letter whose large record is shown instead of its claim, or that says why it is not. */
export async function withLargeRecord(
  flow: FlowKey,
  letter: LetterDetail,
  { letters, records, raw }: Shown,
): Promise<LetterDetail> {
  const { claim } = letter;
  if (claim === undefined) return letter;
  const fault = (why: string) => ({ ...letter, fault: why });
  if (claim.bytes > maxShownBytes) {
    return fault(`the record has ${mib(claim.bytes)}, which is more than the ${mib(maxShownBytes)} that are shown`);
  }
  try {
    const record = await records.fetch(flow, claim);
    if (record === undefined) return fault('the record is large, and its object store cannot be reached from here');
    const { fault: _, ...rest } = letter;
    if (raw) return { ...rest, payload: Buffer.from(record).toString('base64') };
    return { ...rest, ...(await letters.recordOf(flow, record)) };
  } catch (error) {
    return fault((error as Error).message);
  }
}

/** Large records for many letters: a store that could not be asked is not asked again, because each request waits for it. */
export function askedOnce(records: LargeRecords): LargeRecords {
  const failures = new Map<string, unknown>();
  return {
    fetch: async (flow, claim) => {
      if (failures.has(claim.bucket)) throw failures.get(claim.bucket);
      try {
        return await records.fetch(flow, claim);
      } catch (error) {
        if (!isOfObject(error)) failures.set(claim.bucket, error);
        throw error;
      }
    },
  };
}

/** The store is there, and lacks the object. */
function isOfObject(error: unknown): boolean {
  return error instanceof KFlowError && error.detail.isFinal === true;
}

function mib(bytes: number): string {
  return `${Math.ceil(bytes / 1024 ** 2)} MiB`;
}
