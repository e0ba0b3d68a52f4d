import { executionName } from '../../../api-contract/execution-key';
import { flowName } from '../../../api-contract/flow-key';
import type { FlowStatus } from '../../../api-contract/flow-status';
import { ControllerClient } from '../../client/controller-client';
import { ControllerConnection } from '../../client/controller-connection';
import { ExecutionsClient } from '../../client/executions-client';
import { findController } from '../../client/find-controller';
import type { KnownNames } from './candidates';

/** Limit for a response, so that the prompt does not hang. */
const responseTimeoutMs = 1_000;

/** Names from the controller of this folder and environment; none when the controller does not respond in time. */
export class ControllerNames implements KnownNames {
  private listed: Promise<readonly FlowStatus[]> | undefined;

  /** Names of flows, without the namespace if the id is unique. */
  async jobs(): Promise<readonly string[]> {
    const flows = await this.flows();
    const count = (id: string) => flows.filter(({ jobId }) => jobId === id).length;
    return flows.map((flow) => (count(flow.jobId) === 1 ? flow.jobId : flowName(flow)));
  }

  async functions(job: string): Promise<readonly string[]> {
    const flow = (await this.flows()).find((each) => each.jobId === job || flowName(each) === job);
    return flow?.functions.map((fn) => fn.function) ?? [];
  }

  async namespaces(): Promise<readonly string[]> {
    return [...new Set((await this.flows()).map(({ namespace }) => namespace))];
  }

  /** The newest executions; without the namespace if it is `default`. */
  async executions(): Promise<readonly string[]> {
    try {
      const found = await new ExecutionsClient(await openConnection()).list(undefined, { limit: 100 });
      return found.map((each) => (each.namespace === 'default' ? each.execution : executionName(each)));
    } catch {
      return [];
    }
  }

  private flows(): Promise<readonly FlowStatus[]> {
    this.listed ??= this.list();
    return this.listed;
  }

  private async list(): Promise<readonly FlowStatus[]> {
    try {
      return await new ControllerClient(await openConnection()).list(undefined);
    } catch {
      // completion stays silent at a prompt; the command itself reports the error
      return [];
    }
  }
}

async function openConnection(): Promise<ControllerConnection> {
  const address = await findController({}, { env: process.env, folder: process.cwd() });
  return new ControllerConnection(address, responseTimeoutMs);
}
