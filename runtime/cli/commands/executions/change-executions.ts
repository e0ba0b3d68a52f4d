import { KFlowError } from '../../../../lib/errors';
import { type ExecutionKey, executionName } from '../../../api-contract/execution-key';
import type { ExecutionView } from '../../../api-contract/execution-status';
import { executionNamed, openExecutions } from '../../client/execution-session';
import type { ExecutionsClient } from '../../client/executions-client';
import type { FlowOptions } from '../../client/flow-session';
import { ExitStatus, exitStatusOf, usageError } from '../../frame/exit-status';
import { counted } from '../../render/measures';
import { confirm, say, writeOutput } from '../../terminal/output';
import { type ExecutionConditions, queryConditions, renderExecutions } from './list-executions';

/** Executions of a status that a selection may have at most. */
const maxSelected = 10_000;

interface ChangeInput extends ExecutionConditions, FlowOptions {
  readonly executions: readonly string[];
  readonly comment: string | undefined;
  readonly dryRun: boolean;
}

interface ExecutionChange {
  /** Those that conditions choose from, without --status. */
  readonly statuses: readonly ExecutionView['status'][];
  readonly send: (client: ExecutionsClient, key: ExecutionKey) => Promise<unknown>;
  /** Printed for each change that the controller has accepted. */
  readonly accepted: string;
  /** The verb of the question to ask first. */
  readonly question?: string;
}

/** Changes the named executions, or those that meet the conditions. One that is refused does not keep the others from it. */
export async function changeExecutions(input: ChangeInput, change: ExecutionChange): Promise<ExitStatus> {
  const { output, dryRun, comment, ...options } = input;
  const client = await openExecutions({ ...options, ...(comment === undefined ? {} : { comment }) });
  const keys = await selected(client, input, change.statuses);
  if (dryRun) return ExitStatus.Done;
  if (change.question !== undefined && keys.length > 0) await assertConfirmed(change.question, keys);
  const results: { readonly execution: string; readonly error?: string }[] = [];
  let status: ExitStatus = ExitStatus.Done;
  for (const key of keys) {
    const name = executionName(key);
    try {
      await change.send(client, key);
      results.push({ execution: name });
      if (output === 'table') process.stdout.write(`${name}: ${change.accepted}\n`);
    } catch (error) {
      if (!(error instanceof KFlowError) || keys.length === 1) throw error;
      status = exitStatusOf(error);
      results.push({ execution: name, error: error.message });
      say(`${name}: ${error.message}`);
    }
  }
  if (output !== 'table') writeOutput(output, results, () => '');
  return status;
}

async function selected(
  client: ExecutionsClient,
  input: ChangeInput,
  statuses: readonly ExecutionView['status'][],
): Promise<readonly ExecutionKey[]> {
  const { executions, namespace, name, status, since, until, attribute, dryRun, output } = input;
  const hasConditions = [name, status, since, until].some((each) => each !== undefined) || attribute.length > 0;
  if (executions.length > 0) {
    if (hasConditions) throw usageError('want ids of executions, or conditions, not both');
    const keys = executions.map((each) => executionNamed(each, namespace));
    if (dryRun) writeOutput(output, keys, () => keys.map((key) => `${executionName(key)}\n`).join(''));
    return keys;
  }
  if (!hasConditions) throw usageError('want the id of an execution, or a condition such as --name or --status');
  const found: ExecutionView[] = [];
  for (const each of status === undefined ? statuses : [status]) {
    const query = { ...queryConditions(input), status: each, limit: maxSelected };
    const listed = await client.list(namespace ?? 'default', query);
    if (listed.length === maxSelected)
      say(`only the newest ${maxSelected} in status ${each}; run it again for the rest`);
    found.push(...listed);
  }
  if (dryRun) writeOutput(output, found, () => (found.length === 0 ? '' : renderExecutions(found)));
  if (found.length === 0) say('no execution meets the conditions');
  return found;
}

async function assertConfirmed(verb: string, keys: readonly ExecutionKey[]): Promise<void> {
  const [first] = keys;
  const what = keys.length === 1 && first !== undefined ? executionName(first) : counted(keys.length, 'execution');
  const isConfirmed = await confirm(`${verb} ${what} with all values?`);
  if (isConfirmed === undefined) throw usageError(`--yes is required to ${verb} ${what} when stdin is not a terminal`);
  if (!isConfirmed) throw new KFlowError('state-invalid', 'canceled; nothing was changed');
}
