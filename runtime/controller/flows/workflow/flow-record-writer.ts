import type { FlowKey } from '../../../api-contract/flow-key';
import type { FlowRecord, Revision } from '../ports/flow-record';
import type { FlowEvent } from '../ports/flow-store';
import { withoutOldRevisions, withRevision } from './revisions';
import type { WorkflowRuntime } from './workflow-runtime';

export type NewEvent = Omit<FlowEvent, keyof FlowKey | 'id' | 'at'> & { readonly at?: string };

/**
 * Writes a flow's record and events.
 *
 * I1. Saves run one after the other, so that the last save has the newest record.
 * I2. A cancellation does not interrupt a save.
 * I3. Each event is written by exactly one save.
 */
export class FlowRecordWriter {
  private current: FlowRecord;
  private saved: FlowRecord | undefined;
  private saving: Promise<void> = Promise.resolve();
  private events: FlowEvent[] = [];
  private isDataRemoved = false;

  /** `isSaved`: the store has this record. */
  constructor(
    record: FlowRecord,
    private readonly runtime: Pick<WorkflowRuntime, 'changes' | 'newId' | 'now' | 'nonCancelable'>,
    isSaved: boolean,
  ) {
    this.current = record;
    if (isSaved) this.saved = record;
  }

  get record(): FlowRecord {
    return this.current;
  }

  get lastRevision(): Revision | undefined {
    return this.current.revisions.at(-1);
  }

  revision(number: number): Revision | undefined {
    return this.current.revisions.find((each) => each.number === number);
  }

  addRevision({ digest, cause, by, at, comment }: Omit<Revision, 'number' | 'isProven'>): void {
    this.current = withRevision(this.current, { digest, cause, by, at, ...(comment === undefined ? {} : { comment }) });
  }

  /** Records that all replicas of a revision were ready. */
  markProven(number: number): void {
    const revisions = this.current.revisions.map(
      (revision): Revision => (revision.number === number ? { ...revision, isProven: true } : revision),
    );
    this.current = { ...this.current, revisions };
  }

  /** Starts a new epoch of these functions: their outputs get new message ids and are not dropped as duplicates. */
  startEpoch(functions: readonly string[]): void {
    const epoch = Math.max(0, ...Object.values(this.current.epochs)) + 1;
    const epochs = Object.fromEntries(functions.map((id) => [id, epoch]));
    this.current = { ...this.current, epochs: { ...this.current.epochs, ...epochs } };
  }

  close(end: Required<Pick<FlowRecord, 'closed'>> & Pick<FlowRecord, 'rewinds'>): void {
    this.current = { ...this.current, ...end };
  }

  /** Removes revisions and epochs from the record. The `removeDocuments` activity removes the documents. */
  clear(): void {
    this.isDataRemoved = true;
    this.current = { ...this.current, revisions: [], epochs: {} };
  }

  note(event: NewEvent): void {
    const { namespace, jobId } = this.current;
    const at = event.at ?? new Date(this.runtime.now()).toISOString();
    this.events.push({ namespace, jobId, id: this.runtime.newId(), ...event, at });
  }

  /** Saves the record and the events since the last save. Drops old revisions, except those in use. */
  save(inUse: readonly number[]): Promise<void> {
    this.saving = this.saving.then(async () => {
      const revisions = withoutOldRevisions(this.current.revisions, inUse);
      if (revisions.length < this.current.revisions.length) this.current = { ...this.current, revisions };
      const { current, saved } = this;
      const events = this.events.splice(0);
      if (current === saved && events.length === 0) return;
      const changed = current === saved ? undefined : current;
      await this.runtime.nonCancelable(() => this.runtime.changes.keep(changed, events, this.unusedDocuments()));
      this.saved = current;
    });
    return this.saving;
  }

  /** Documents that no revision refers to any more. */
  private unusedDocuments(): readonly string[] {
    if (this.isDataRemoved) return [];
    const digests = new Set(this.current.revisions.map(({ digest }) => digest));
    return (this.saved?.revisions ?? []).map(({ digest }) => digest).filter((digest) => !digests.has(digest));
  }
}
