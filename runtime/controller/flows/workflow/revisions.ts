import type { FlowRecord, Revision } from '../ports/flow-record';

/** Maximum number of revisions in a record, because every run of the workflow carries them all. */
const maxRevisions = 50;

/** Appends a revision, unless its document equals that of the latest revision. */
export function withRevision(record: FlowRecord, revision: Omit<Revision, 'number'>): FlowRecord {
  const last = record.revisions.at(-1);
  if (last?.digest === revision.digest) return record;
  return { ...record, revisions: [...record.revisions, { ...revision, number: (last?.number ?? 0) + 1 }] };
}

/** Drops the oldest revisions, except those in use and the newest one that was ready. */
export function withoutOldRevisions(revisions: readonly Revision[], inUse: readonly number[]): readonly Revision[] {
  const proven = revisions.findLast(({ isProven }) => isProven)?.number;
  const isKept = ({ number }: Revision, index: number) =>
    index >= revisions.length - maxRevisions || number === proven || inUse.includes(number);
  return revisions.filter(isKept);
}

/**
 * The revision to roll back to when `failed` does not become ready: the newest earlier one that was ready, else `fallback`,
 * the one applied before. Undefined when there is none, when it has the same document, or when `failed` was ready once.
 */
export function rollbackTarget(
  revisions: readonly Revision[],
  failed: Revision,
  fallback: number,
): Revision | undefined {
  const earlier = revisions.filter(({ number }) => number < failed.number);
  const target = earlier.findLast(({ isProven }) => isProven) ?? earlier.find(({ number }) => number === fallback);
  return failed.isProven || target?.digest === failed.digest ? undefined : target;
}
