import { StateError } from '../../../../lib/errors';
import type { FlowKey } from '../../../api-contract/flow-key';
import { Limit } from '../../../async/limit';
import { waitUntil } from '../../../async/poll';
import type { FlowStore } from '../ports/flow-store';
import type { FlowWorkflows } from '../ports/flow-workflow';

export interface FindFlowProps {
  readonly store: Pick<FlowStore, 'records'>;
  readonly workflows: Pick<FlowWorkflows, 'open' | 'describe'>;
}

/** A flow that was submitted a moment ago is in no list yet. */
const listed = { intervalMs: 250, timeoutMs: 2_000 };
const describedAtOnce = 16;

/**
 * The only flow with this jobId in any namespace: of those that run, else of all that are known. Throws StateError
 * `flow-missing`, or `flow-exists` with the namespaces when there are several.
 */
export async function findFlow(props: FindFlowProps, jobId: string): Promise<FlowKey> {
  let found: Candidates = { alive: [], known: [] };
  await waitUntil(async () => {
    found = await candidatesOf(props, jobId);
    return found.alive.length > 0;
  }, listed);
  const [only, ...others] = found.alive.length > 0 ? found.alive : found.known;
  if (only === undefined) throw new StateError('flow-missing', `no flow has the jobId "${jobId}"; submit it first`);
  if (others.length === 0) return { namespace: only, jobId };
  const told = [only, ...others].join(', ');
  const toDo = 'say which, as namespace in the document or in the query';
  throw new StateError('flow-exists', `flows of ${told} have the jobId "${jobId}": ${toDo}`);
}

interface Candidates {
  readonly alive: readonly string[];
  readonly known: readonly string[];
}

/** Namespaces by name. The lists may be old: each flow's workflow says whether it runs. */
async function candidatesOf({ store, workflows }: FindFlowProps, jobId: string): Promise<Candidates> {
  const [records, open] = await Promise.all([store.records(), workflows.open()]);
  const flows = [...records, ...open.map(({ key }) => key)].filter((flow) => flow.jobId === jobId);
  const known = [...new Set(flows.map(({ namespace }) => namespace))].sort();
  const views = await new Limit(describedAtOnce).map(known, (namespace) => workflows.describe({ namespace, jobId }));
  return { alive: known.filter((_, index) => views[index]?.isOpen), known };
}
