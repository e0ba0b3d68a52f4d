import { StateError } from '../../../../lib/errors';
import { hideSecrets } from '../../../../lib/topology/secrets/hide-secrets';
import type { RevisionView } from '../../../api-contract/flow-history';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import type { FlowStatus } from '../../../api-contract/flow-status';
import { waitUntil } from '../../../async/poll';
import { diffDocuments } from '../documents/diff-documents';
import type { Revision } from '../ports/flow-record';
import type { FlowStore } from '../ports/flow-store';
import type { FlowMemo } from '../ports/flow-workflow';

export interface FlowRevisionsProps {
  readonly store: Pick<FlowStore, 'record' | 'document'>;
  /** Throws StateError `flow-missing`. */
  readonly statuses: { of(flow: FlowKey): Promise<FlowStatus> };
}

const beginning = { intervalMs: 50, timeoutMs: 5_000 };

/**
 * The documents that flows have had. Throws StateError `revision-missing` that names those there are, `state-invalid` when
 * there is no earlier one.
 */
export class FlowRevisions {
  constructor(private readonly props: FlowRevisionsProps) {}

  async history(flow: FlowKey): Promise<readonly RevisionView[]> {
    const { revisions, current } = await this.all(flow);
    return revisions.map(({ number, isProven, ...revision }) => ({
      ...revision,
      revision: number,
      isProven: isProven === true,
      isCurrent: number === current,
    }));
  }

  /** The document of a revision, secrets hidden; left out, of the last one. */
  async document(flow: FlowKey, number?: number): Promise<string> {
    const { revisions } = await this.all(flow);
    const { digest } = revisionOf(flow, revisions, number ?? revisions.at(-1)?.number);
    return hideSecrets(await this.props.store.document(flow, digest));
  }

  async diff(flow: FlowKey, { from, to }: { readonly from?: number; readonly to?: number }): Promise<string> {
    const { revisions } = await this.all(flow);
    const last = revisionOf(flow, revisions, to ?? revisions.at(-1)?.number);
    const first = revisionOf(flow, revisions, from ?? beforeOf(revisions, last.number) ?? last.number);
    const texts = await Promise.all([first, last].map(({ digest }) => this.props.store.document(flow, digest)));
    const [before = '', after = ''] = texts;
    return diffDocuments(before, after, { from: `revision ${first.number}`, to: `revision ${last.number}` });
  }

  /**
   * The document to go back to: of a revision, or of the last one before the present one that was seen ready and says
   * something else, or of the one before.
   */
  async before(flow: FlowKey, present: Pick<FlowMemo, 'revision' | 'digest'>, number?: number): Promise<string> {
    const { revisions } = await this.all(flow);
    const others = revisions.filter((each) => each.number < present.revision && each.digest !== present.digest);
    const good = others.findLast(({ isProven }) => isProven)?.number ?? beforeOf(revisions, present.revision);
    return this.props.store.document(flow, revisionOf(flow, revisions, number ?? good).digest);
  }

  /** A flow that has just been submitted has its first revision in the record within moments. */
  private async all(flow: FlowKey): Promise<{ readonly revisions: readonly Revision[]; readonly current: number }> {
    let found: { readonly revisions: readonly Revision[]; readonly current: number } = { revisions: [], current: 0 };
    await waitUntil(async () => {
      const { revision: current, closeTime } = await this.props.statuses.of(flow);
      const { revisions = [] } = (await this.props.store.record(flow)) ?? {};
      found = { revisions, current };
      return closeTime !== null || (revisions.at(-1)?.number ?? 0) >= current;
    }, beginning);
    return found;
  }
}

function revisionOf(flow: FlowKey, revisions: readonly Revision[], number: number | undefined): Revision {
  const found = revisions.find((revision) => revision.number === number);
  if (found !== undefined) return found;
  const name = flowName(flow);
  if (number === undefined) {
    throw new StateError('state-invalid', `${name} has no earlier document`, { where: name });
  }
  const known = revisions.map((revision) => revision.number).join(', ') || 'none';
  throw new StateError('revision-missing', `${name} has no revision ${number}; it has ${known}`, { where: name });
}

function beforeOf(revisions: readonly Revision[], number: number): number | undefined {
  return revisions.findLast((revision) => revision.number < number)?.number;
}
