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

/** Lists of workflows and records may not contain a flow that was submitted a moment ago. */
const listing = { intervalMs: 250, timeoutMs: 2_000 };
const maxConcurrent = 16;

/**
 * Finds the only flow with this jobId in any namespace; open flows take precedence over closed ones. Throws StateError
 * `flow-missing`, or `flow-exists` with the namespaces when there are several.
 */
export async function findFlow(props: FindFlowProps, jobId: string): Promise<FlowKey> {
  let found: Candidates = { open: [], all: [] };
  await waitUntil(async () => {
    found = await findCandidates(props, jobId);
    return found.open.length > 0;
  }, listing);
  const [namespace, ...others] = found.open.length > 0 ? found.open : found.all;
  if (namespace === undefined)
    throw new StateError('flow-missing', `no flow has the jobId "${jobId}"; submit it first`);
  if (others.length === 0) return { namespace, jobId };
  const namespaces = [namespace, ...others].join(', ');
  const advice = 'set the namespace in the document or in the query';
  throw new StateError('flow-exists', `several namespaces have a flow "${jobId}": ${namespaces}; ${advice}`);
}

/** Namespaces of flows with the jobId, sorted. */
interface Candidates {
  readonly open: readonly string[];
  readonly all: readonly string[];
}

/** The lists may be outdated, so each candidate's workflow is described. */
async function findCandidates({ store, workflows }: FindFlowProps, jobId: string): Promise<Candidates> {
  const [records, open] = await Promise.all([store.records(), workflows.open()]);
  const flows = [...records, ...open.map(({ key }) => key)].filter((flow) => flow.jobId === jobId);
  const all = [...new Set(flows.map(({ namespace }) => namespace))].sort();
  const views = await new Limit(maxConcurrent).map(all, (namespace) => workflows.describe({ namespace, jobId }));
  return { open: all.filter((_, index) => views[index]?.isOpen), all };
}
