import type { FlowPlan } from '../../../lib/plan/flow-plan';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import type { PlanSettings } from '../../../lib/plan/plan-connections';
import { planFlow } from '../../../lib/plan/plan-flow';
import { formatProblem } from '../../../lib/topology/problem/problem';
import { readTopology } from '../../../lib/topology/read-topology';

export const account = { addr: 's3:9000', user: 'minio', password: 'hunter2' };
/** The account in the syntax of a document. */
export const written = 'addr: "s3:9000", user: minio, password: hunter2';

/** Plans a document. Throws if the document has errors. */
export function planOf(text: string, settings: PlanSettings = {}): FlowPlan {
  const { topology, problems } = readTopology(text, { file: 'flow.yaml', defaultJobId: 'flow' });
  if (topology === undefined) throw new Error(problems.map(formatProblem).join('\n'));
  return planFlow(topology, settings);
}

export function specOf(plan: FlowPlan, id: string): FunctionSpec {
  const found = plan.workloads.find((workload) => workload.function === id);
  if (found === undefined) throw new Error(`no workload of ${id}`);
  return found.spec;
}

const mapFlow = planOf(`
jobId: job
mode: stream
dag:
  - { id: first, type: raw-source, schema: {type: record, name: n, fields: []}, meta: {name: f, code: f}, out: [map] }
  - { id: map, type: raw }
`);

/** The spec of a function `map` without code, inputs and outputs; `given` replaces fields. */
export function mapSpec(given: Partial<FunctionSpec> = {}): FunctionSpec {
  return { ...specOf(mapFlow, 'map'), inputs: [], ...given };
}
