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

/** A flow that was submitted a moment ago may have no record yet. */
const recording = { intervalMs: 50, timeoutMs: 5_000 };

/**
 * The revisions of flows and their documents. Throws StateError `revision-missing` with the existing revisions, and
 * `state-invalid` when there is no earlier revision.
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

  /** The document of a revision with its secrets hidden; default: the latest revision. */
  async document(flow: FlowKey, number?: number): Promise<string> {
    const { revisions } = await this.all(flow);
    const { digest } = revisionOf(flow, revisions, number ?? revisions.at(-1)?.number);
    return hideSecrets(await this.props.store.document(flow, digest));
  }

  async diff(flow: FlowKey, { from, to }: { readonly from?: number; readonly to?: number }): Promise<string> {
    const { revisions } = await this.all(flow);
    const last = revisionOf(flow, revisions, to ?? revisions.at(-1)?.number);
    const first = revisionOf(flow, revisions, from ?? previousOf(revisions, last.number) ?? last.number);
    const texts = await Promise.all([first, last].map(({ digest }) => this.props.store.document(flow, digest)));
    const [before = '', after = ''] = texts;
    return diffDocuments(before, after, { from: `revision ${first.number}`, to: `revision ${last.number}` });
  }

  /**
   * The document that a rollback returns to: of the given revision; else of the newest earlier revision that was ready and
   * has another document; else of the previous revision.
   */
  async rollbackDocument(
    flow: FlowKey,
    current: Pick<FlowMemo, 'revision' | 'digest'>,
    number?: number,
  ): Promise<string> {
    const { revisions } = await this.all(flow);
    const others = revisions.filter((each) => each.number < current.revision && each.digest !== current.digest);
    const target = others.findLast(({ isProven }) => isProven)?.number ?? previousOf(revisions, current.revision);
    return this.props.store.document(flow, revisionOf(flow, revisions, number ?? target).digest);
  }

  private async all(flow: FlowKey): Promise<{ readonly revisions: readonly Revision[]; readonly current: number }> {
    let found: { readonly revisions: readonly Revision[]; readonly current: number } = { revisions: [], current: 0 };
    await waitUntil(async () => {
      const { revision: current, closeTime } = await this.props.statuses.of(flow);
      const { revisions = [] } = (await this.props.store.record(flow)) ?? {};
      found = { revisions, current };
      return closeTime !== null || (revisions.at(-1)?.number ?? 0) >= current;
    }, recording);
    return found;
  }
}

function revisionOf(flow: FlowKey, revisions: readonly Revision[], number: number | undefined): Revision {
  const found = revisions.find((revision) => revision.number === number);
  if (found !== undefined) return found;
  const name = flowName(flow);
  if (number === undefined) {
    throw new StateError('state-invalid', `${name} has no earlier revision`, { where: name });
  }
  const known = revisions.map((revision) => revision.number).join(', ') || 'none';
  throw new StateError('revision-missing', `${name} has no revision ${number}; it has ${known}`, { where: name });
}

function previousOf(revisions: readonly Revision[], number: number): number | undefined {
  return revisions.findLast((revision) => revision.number < number)?.number;
}
