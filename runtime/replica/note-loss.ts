import { DriftNotes } from '../adapters/jetstream/keepers/drift-notes';
import { pause } from '../async/pause';
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
  const noted = new DriftNotes(links.connection, spec).add({ id, reason: 'RecordsLost', message, lost: count });
  const late = pause(limitMs).then(() => Promise.reject(new Error(`not stored within ${limitMs / 1_000} s`)));
  await Promise.race([noted, late]).catch((error) => log('WARNING', `the loss was not noted: ${String(error)}`));
}
