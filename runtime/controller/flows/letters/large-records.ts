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

function mib(bytes: number): string {
  return `${Math.ceil(bytes / 1024 ** 2)} MiB`;
}
