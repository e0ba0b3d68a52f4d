import { createInterface } from 'node:readline/promises';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import type { FlowStatus } from '../../../api-contract/flow-status';
import { ApiRefusal } from '../../client/api-refusal';
import type { ChangeAnswer, ControllerClient } from '../../client/controller-client';
import { CommandError, ExitStatus, usageError } from '../../exit-status';
import { writeOutput } from '../../render/output';
import { type ChangeOptions, openFlow, say } from './flow-session';
import * as goals from './goal';
import { nextStep } from './next-step';
import { parseReplayStart, parseReplicas } from './parse-arguments';
import { waitFor } from './wait-for';

interface FunctionsOptions extends ChangeOptions {
  readonly function?: readonly string[];
}

/** `kflow pause`: the whole flow, or some functions of it. */
export function pause(job: string, { function: functions = [], ...options }: FunctionsOptions): Promise<number> {
  const ask: Ask = (client, flow) => client.change(flow, 'pause', { functions });
  return changeFlow(job, options, { ask, done: named('pause asked for', functions), goal: goals.paused(functions) });
}

/** `kflow resume`: the whole flow, or some functions of it. */
export function resume(job: string, { function: functions = [], ...options }: FunctionsOptions): Promise<number> {
  const ask: Ask = (client, flow) => client.change(flow, 'resume', { functions });
  return changeFlow(job, options, { ask, done: named('resume asked for', functions), goal: goals.resumed });
}

/** `kflow restart`: starts replicas anew. */
export function restart(job: string, { function: functions = [], ...options }: FunctionsOptions): Promise<number> {
  const ask: Ask = (client, flow) => client.change(flow, 'restart', { functions });
  return changeFlow(job, options, { ask, done: named('restart asked for', functions), goal: goals.running });
}

/** `kflow stop`: what runs is removed, streams and offsets stay. */
export function stop(job: string, options: ChangeOptions): Promise<number> {
  const ask: Ask = (client, flow) => client.end(flow, 'stop');
  return changeFlow(job, options, { ask, done: 'stop asked for', goal: goals.stopped });
}

/** `kflow delete`: the flow and its data. Asks first on a terminal, and needs `--yes` elsewhere. */
export async function remove(job: string, options: ChangeOptions & { force?: true; yes?: true }): Promise<number> {
  const ask: Ask = async (client, flow) => {
    if (options.yes !== true) await confirm(flow);
    if (options.force) return client.end(flow, 'force');
    return client.end(flow, 'delete').catch((error) => Promise.reject(withForce(error, flow)));
  };
  return changeFlow(job, options, { ask, done: 'delete asked for', goal: goals.gone });
}

/** `kflow scale`: numbers of replicas, as `map=3`. */
export async function scale(job: string, counts: readonly string[], options: ChangeOptions): Promise<number> {
  const replicas = parseReplicas(counts);
  const ask: Ask = (client, flow) => client.change(flow, 'scale', { replicas });
  return changeFlow(job, options, { ask, done: `scaled to ${counts.join(' ')}`, goal: revised });
}

/** `kflow rollback`: to a revision, or to the one before. */
export function rollback(job: string, { to, ...options }: ChangeOptions & { readonly to?: number }): Promise<number> {
  const ask: Ask = (client, flow) => client.change(flow, 'rollback', to === undefined ? {} : { revision: to });
  return changeFlow(job, options, { ask, done: 'rolled back', goal: revised });
}

/** `kflow replay`: one function reads kept records again. */
export async function replay(
  job: string,
  { function: name, from, ...options }: ChangeOptions & { readonly function: string; readonly from: string },
): Promise<number> {
  const start = parseReplayStart(from);
  const ask: Ask = (client, flow) => client.change(flow, 'replay', { function: name, from: start });
  return changeFlow(job, options, { ask, done: `replay of ${name} asked for`, goal: goals.running });
}

type Ask = (client: ControllerClient, flow: FlowKey) => Promise<ChangeAnswer>;

interface Change {
  readonly ask: Ask;
  /** What is said when it was taken. */
  readonly done: string;
  /** Where it is to end, by the status that was the answer. */
  readonly goal: goals.Goal | ((answer: FlowStatus) => goals.Goal);
}

const revised = ({ revision }: FlowStatus): goals.Goal => goals.inForce(revision);

async function changeFlow(job: string, options: ChangeOptions, { ask, done, goal }: Change): Promise<number> {
  const { client, flow } = await openFlow(job, options);
  const { outcome, status } = await ask(client, flow);
  const told = outcome === 'unchanged' ? 'unchanged: it is so already' : done;
  let end: FlowStatus | undefined = status;
  if (options.wait) {
    const wanted = typeof goal === 'function' ? goal(status) : goal;
    end = await waitFor({ client, flow, goal: wanted }, { say, timeoutMs: options.timeout && options.timeout * 1_000 });
  }
  const state = end === undefined ? 'gone' : `${end.status}, revision ${end.revision}`;
  writeOutput(options.output, end ?? null, () => `${flowName(flow)} ${told}; ${state}\n`);
  if (options.output === 'table' && end !== undefined) say(nextStep(end));
  return ExitStatus.done;
}

/** A flow that is refused as stopped can be deleted all the same. */
function withForce(error: unknown, flow: FlowKey): unknown {
  if (!(error instanceof ApiRefusal) || error.code !== 'state-invalid') return error;
  const message = `${error.problem.detail}\nkflow delete --force ${flowName(flow)} does so`;
  return new CommandError(error.status, error.code, message, error);
}

async function confirm(flow: FlowKey): Promise<void> {
  if (!process.stdin.isTTY) throw usageError(`this deletes ${flowName(flow)} with its data; say --yes to do so`);
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await prompt.question(`delete ${flowName(flow)} with its streams and documents? [y/N] `);
  prompt.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw usageError('nothing was deleted');
}

function named(done: string, functions: readonly string[]): string {
  return functions.length === 0 ? done : `${done} (${functions.join(', ')})`;
}
