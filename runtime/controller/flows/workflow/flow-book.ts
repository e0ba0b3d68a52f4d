import { CancellationScope, uuid4 } from '@temporalio/workflow';
import type { FlowKey } from '../../../api-contract/flow-key';
import type { FlowEvent, FlowRecord, Revision } from '../ports/flow-store';
import { withoutOldRevisions, withRevision } from './accept-request';
import type { FlowActivities } from './flow-activities';

export type Noted = Omit<FlowEvent, keyof FlowKey | 'id' | 'at'> & { readonly at?: string };

/**
 * A flow's record and events as its workflow writes them.
 *
 * I1. They are kept one after the other, so that the last record stays.
 * I2. They are kept whatever is wanted meanwhile.
 */
export class FlowBook {
  private kept: FlowRecord | undefined;
  private keeping: Promise<void> = Promise.resolve();
  private events: FlowEvent[] = [];
  private isForgotten = false;

  /** `isKept`: the record is one that was kept. */
  constructor(
    public record: FlowRecord,
    private readonly activities: Pick<FlowActivities, 'keep'>,
    isKept: boolean,
  ) {
    if (isKept) this.kept = record;
  }

  get lastRevision(): Revision | undefined {
    return this.record.revisions.at(-1);
  }

  revision(number: number): Revision | undefined {
    return this.record.revisions.find((each) => each.number === number);
  }

  revise(change: Omit<Revision, 'number' | 'isProven'>): void {
    const { digest, cause, by, at, comment } = change;
    this.record = withRevision(this.record, { digest, cause, by, at, ...(comment === undefined ? {} : { comment }) });
  }

  /** This revision was seen ready. */
  prove(number: number): void {
    const revisions = this.record.revisions.map(
      (revision): Revision => (revision.number === number ? { ...revision, isProven: true } : revision),
    );
    this.record = { ...this.record, revisions };
  }

  note(event: Noted): void {
    const { namespace, jobId } = this.record;
    this.events.push({ namespace, jobId, id: uuid4(), ...event, at: event.at ?? new Date().toISOString() });
  }

  /** The flow's data is gone, its documents go together. */
  forget(): void {
    this.isForgotten = true;
    this.record = { ...this.record, revisions: [], epochs: {} };
  }

  /** Has the record kept as it is now, and the events; without old revisions but those in use. */
  save(inUse: readonly number[]): Promise<void> {
    this.keeping = this.keeping.then(async () => {
      const revisions = withoutOldRevisions(this.record.revisions, inUse);
      if (revisions.length < this.record.revisions.length) this.record = { ...this.record, revisions };
      const { record, kept } = this;
      const events = this.events.splice(0);
      if (record === kept && events.length === 0) return;
      const changed = record === kept ? undefined : record;
      await CancellationScope.nonCancellable(() => this.activities.keep(changed, events, this.dropped()));
      this.kept = record;
    });
    return this.keeping;
  }

  /** Documents that no revision has any more. */
  private dropped(): readonly string[] {
    if (this.isForgotten) return [];
    const digests = new Set(this.record.revisions.map(({ digest }) => digest));
    return (this.kept?.revisions ?? []).map(({ digest }) => digest).filter((digest) => !digests.has(digest));
  }
}
