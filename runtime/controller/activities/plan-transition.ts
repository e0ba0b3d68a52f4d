import { summarizeUpdate } from '../../../lib/topology/summarize-update';
import type { Topology } from '../../../lib/topology/topology';
import type { Transition } from '../workflows/flow-activities';

/** What has to be done to go from one document to another. */
export function planTransition(from: Topology, to: Topology, isRollback: boolean): Transition {
  const { halted, dropped, kept, restarted } = summarizeUpdate(from, to, isRollback);
  return { halted, dropped, kept, restarted };
}
