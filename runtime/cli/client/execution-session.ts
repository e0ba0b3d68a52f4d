import type { ExecutionKey } from '../../api-contract/execution-key';
import { usageError } from '../frame/exit-status';
import { ControllerConnection } from './controller-connection';
import { ExecutionsClient } from './executions-client';
import { findController } from './find-controller';
import type { FlowOptions } from './flow-session';

type SessionOptions = Pick<FlowOptions, 'namespace' | 'url' | 'token' | 'ca'> & { readonly comment?: string };

/** Opens a client with the options of a command line and the environment and folder of this process. */
export async function openExecutions(options: SessionOptions): Promise<ExecutionsClient> {
  const address = await findController(options, { env: process.env, folder: process.cwd() });
  return new ExecutionsClient(new ControllerConnection(address), options.comment);
}

/** Resolves `ID` or `NAMESPACE/ID`; without a namespace, that of the option, else `default`. */
export function executionNamed(name: string, namespace: string | undefined): ExecutionKey {
  const [first = '', second, more] = name.replace(/^workflow:/, '').split('/');
  if (more !== undefined || first === '' || second === '') {
    throw usageError(`execution: want ID or NAMESPACE/ID, got "${name}"`);
  }
  if (second === undefined) return { namespace: namespace ?? 'default', execution: first };
  if (namespace === undefined || namespace === first) return { namespace: first, execution: second };
  throw usageError(`--namespace ${namespace}: the execution ${name} is in another namespace; omit one of the two`);
}
