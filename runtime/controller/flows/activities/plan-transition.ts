import type { Topology } from '../../../../lib/topology/document/topology';
import { summarizeUpdate } from '../../../../lib/topology/update/summarize-update';
import type { Transition } from '../workflow/flow-activities';

/** A document on the way from one to another. */
interface TransitionStep {
  readonly topology: Topology;
  readonly isRollback: boolean;
}

/** What has to be done to go from one document to the last of the steps: what each of them asks of the one before it. */
export function planTransition(from: Topology, steps: readonly TransitionStep[]): Transition {
  const summaries = steps.map(({ topology, isRollback }, index) =>
    summarizeUpdate(steps[index - 1]?.topology ?? from, topology, isRollback),
  );
  const restarted = [...new Set(summaries.flatMap((summary) => summary.restarted))];
  const ids = (steps.at(-1)?.topology ?? from).dag.map(({ id }) => id);
  return {
    halted: [...new Set(summaries.flatMap(({ halted }) => halted))],
    kept: ids.filter((id) => !restarted.includes(id)),
    restarted,
  };
}
