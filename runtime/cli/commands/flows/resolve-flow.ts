import { type FlowKey, flowName, parseFlowName } from '../../../api-contract/flow-key';
import type { ControllerClient } from '../../client/controller-client';
import { usageError } from '../../exit-status';

/**
 * The flow that a command means by `namespace/job`, or by a job and `--namespace`; by a job alone, the only flow of this id,
 * else that of the namespace `default`. Throws CommandError when several are meant alike.
 */
export async function resolveFlow(client: ControllerClient, job: string, namespace?: string): Promise<FlowKey> {
  if (job.includes('/')) return namedFlow(job, namespace);
  if (namespace !== undefined) return { namespace, jobId: job };
  const found = (await client.list(undefined, { id: job })).map((flow) => flow.namespace);
  const [only] = found;
  if (only !== undefined && found.length === 1) return { namespace: only, jobId: job };
  if (found.length === 0 || found.includes('default')) return { namespace: 'default', jobId: job };
  const names = found.map((each) => flowName({ namespace: each, jobId: job })).join(', ');
  throw usageError(`there are several flows "${job}": ${names}; name one of them`);
}

function namedFlow(name: string, namespace: string | undefined): FlowKey {
  const flow = parseFlowName(name);
  if (flow === undefined) throw usageError(`"${name}" is no flow; write JOB or NAMESPACE/JOB`);
  if (namespace !== undefined && namespace !== flow.namespace) {
    throw usageError(`${name} is not in the namespace ${namespace} of --namespace; leave one of the two out`);
  }
  return flow;
}
