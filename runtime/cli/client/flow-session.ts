import { type FlowKey, flowName, parseFlowName } from '../../api-contract/flow-key';
import type { Values } from '../frame/command';
import { usageError } from '../frame/exit-status';
import type { changeOptions, flowOptions } from '../frame/shared-options';
import { ControllerClient } from './controller-client';
import { ControllerConnection, responseTimeoutMs } from './controller-connection';
import { findController } from './find-controller';

/** Options of every flow command. */
export type FlowOptions = Values<typeof flowOptions>;

/** Options of commands that change a flow. */
export type ChangeOptions = Values<typeof changeOptions>;

type SessionOptions = Pick<FlowOptions, 'namespace' | 'url' | 'token' | 'ca'> &
  Partial<Pick<ChangeOptions, 'comment' | 'timeout'>>;

/** No request lasts longer than `--timeout`, nor than a request may. */
function requestTimeoutMs({ timeout = responseTimeoutMs }: SessionOptions): number {
  return Math.min(timeout, responseTimeoutMs);
}

/** Opens a client with the options of a command line and the environment and folder of this process. */
export async function openClient(options: SessionOptions): Promise<ControllerClient> {
  const address = await findController(options, { env: process.env, folder: process.cwd() });
  return new ControllerClient(new ControllerConnection(address, requestTimeoutMs(options)), options.comment);
}

/** Opens a client and resolves the flow that `job` names. */
export async function openFlow(
  job: string,
  options: SessionOptions,
): Promise<{ readonly client: ControllerClient; readonly flow: FlowKey }> {
  const client = await openClient(options);
  return { client, flow: await resolveFlow(client, job, options.namespace) };
}

/**
 * Resolves `namespace/job`, or a job and `--namespace`. A job alone names the only flow with this id, else the flow in the
 * namespace `default`. Throws CommandError when several flows match.
 */
async function resolveFlow(client: ControllerClient, job: string, namespace?: string): Promise<FlowKey> {
  if (job.includes('/')) return namedFlow(job, namespace);
  if (namespace !== undefined) return { namespace, jobId: job };
  const found = (await client.list(undefined, { id: job })).map((flow) => flow.namespace);
  const [only] = found;
  if (only !== undefined && found.length === 1) return { namespace: only, jobId: job };
  if (found.length === 0 || found.includes('default')) return { namespace: 'default', jobId: job };
  const names = found.map((each) => flowName({ namespace: each, jobId: job })).join(', ');
  throw usageError(`several flows are named "${job}": ${names}; use one of these names`);
}

function namedFlow(name: string, namespace: string | undefined): FlowKey {
  const flow = parseFlowName(name);
  if (flow === undefined) throw usageError(`job: want JOB or NAMESPACE/JOB, got "${name}"`);
  if (namespace !== undefined && namespace !== flow.namespace) {
    throw usageError(`--namespace ${namespace}: the flow ${name} is in another namespace; omit one of the two`);
  }
  return flow;
}
