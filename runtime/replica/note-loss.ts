import { DriftNotes } from '../adapters/jetstream/keepers/drift-notes';
import { atMost } from '../async/at-most';
import type { Lost } from '../engine/ports/source';
import type { ReplicaContext } from './replica-context';

/** How long the note may take: the replica is ending. */
const limitMs = 2_000;

/** Notes in the flow's state, for its status and its event log, what this replica has lost. The log has it in any case. */
export async function noteLoss(
  context: ReplicaContext,
  message: string,
  { count }: Pick<Lost, 'count'>,
): Promise<void> {
  const { spec, environment, links, log } = context;
  const id = `lost-${environment.replica}-${Date.now().toString(36)}`;
  const noting = new DriftNotes(links.connection, spec)
    .add({ id, reason: 'RecordsLost', message, lost: count })
    .then(() => '', String);
  const fault = (await atMost(limitMs, noting)) ?? `not stored within ${limitMs / 1_000} s`;
  if (fault !== '') log('WARNING', `the loss was not noted: ${fault}`);
}
