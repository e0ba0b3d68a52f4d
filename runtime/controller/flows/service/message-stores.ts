import type { FlowKey } from '../../../api-contract/flow-key';
import type { Claim } from '../../../engine/claim';
import type { LargeRecords } from '../../ports/letters';
import type { Buckets } from '../../ports/streams';
import type { FlowPlanner } from '../documents/flow-planner';
import type { FlowStore } from '../ports/flow-store';

export interface MessageStoresProps {
  readonly store: Pick<FlowStore, 'record'>;
  readonly planner: Pick<FlowPlanner, 'plan'>;
  readonly buckets: Pick<Buckets, 'fetch'>;
}

/** The message stores of the controller's flows, as their last revisions have them. */
export class MessageStores implements LargeRecords {
  constructor(private readonly props: MessageStoresProps) {}

  async fetch(flow: FlowKey, claim: Claim): Promise<Uint8Array | undefined> {
    const { store, planner, buckets } = this.props;
    const digest = (await store.record(flow))?.revisions.at(-1)?.digest;
    return digest === undefined ? undefined : buckets.fetch(await planner.plan(flow, digest, {}), claim);
  }
}
