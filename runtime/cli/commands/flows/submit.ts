import { flowName } from '../../../api-contract/flow-key';
import type { FlowStatus } from '../../../api-contract/flow-status';
import type { DocumentProblem } from '../../../api-contract/problem';
import { ApiRefusal } from '../../client/api-refusal';
import type { ChangeAnswer, ControllerClient } from '../../client/controller-client';
import { CommandError, ExitStatus, usageError } from '../../exit-status';
import { writeOutput } from '../../render/output';
import { type FlowFile, readFlowFile } from './flow-file';
import { type ChangeOptions, openClient, say } from './flow-session';
import * as goals from './goal';
import { nextStep } from './next-step';
import { waitFor } from './wait-for';

export interface SubmitOptions extends ChangeOptions {
  readonly set: readonly string[];
  /** A flow that runs with another document is updated. */
  readonly update?: true;
}

/** `kflow submit`: every file is read before the first is sent. */
export async function submit(files: readonly string[], options: SubmitOptions): Promise<number> {
  const client = await openClient(options);
  const send = (file: FlowFile) => submitted(client, file, options.update === true);
  return sendAll(client, readAll(files, options), { ...options, send });
}

/** `kflow update`: only what the documents let an update change. */
export async function update(file: string, options: SubmitOptions): Promise<number> {
  const client = await openClient(options);
  return sendAll(client, readAll([file], options), {
    ...options,
    send: ({ body }) => client.update(body, options.namespace),
  });
}

function readAll(files: readonly string[], options: SubmitOptions): readonly FlowFile[] {
  const read = files.map((file) => readFlowFile(file, options));
  const names = read.map(({ flow }) => flowName(flow));
  const twice = read.find(({ flow }, index) => names.indexOf(flowName(flow)) < index);
  if (twice === undefined) return read;
  throw usageError(`${twice.name}: another of these files is the flow ${flowName(twice.flow)} too`);
}

async function submitted(client: ControllerClient, { flow, body }: FlowFile, isUpdate: boolean): Promise<ChangeAnswer> {
  try {
    return await client.submit(flow, body);
  } catch (error) {
    if (!isUpdate || !(error instanceof ApiRefusal) || error.code !== 'flow-exists') throw error;
    return client.update(body, flow.namespace);
  }
}

interface Sending extends SubmitOptions {
  readonly send: (file: FlowFile) => Promise<ChangeAnswer>;
}

/** All are sent before the first is waited for. */
async function sendAll(client: ControllerClient, files: readonly FlowFile[], options: Sending): Promise<number> {
  const isTable = options.output === 'table';
  const ends: (() => Promise<FlowStatus>)[] = [];
  for (const file of files) {
    const sent = options.send(file).catch((error) => Promise.reject(placed(error, file)));
    const { outcome = 'taken', status } = await sent;
    warn(status.warnings ?? [], file);
    if (isTable) process.stdout.write(`${flowName(status)} ${outcome}, revision ${status.revision}\n`);
    const goal = file.mode === 'batch' && outcome !== 'updated' ? goals.completed : goals.inForce(status.revision);
    ends.push(options.wait ? () => ended({ client, status, goal }, options) : async () => status);
  }
  const statuses: FlowStatus[] = [];
  for (const end of ends) statuses.push(await end());
  const [only] = statuses;
  if (!isTable) writeOutput(options.output, statuses.length === 1 ? only : statuses, () => '');
  else if (only !== undefined && statuses.length === 1) say(nextStep(only));
  return statuses.some(hasGivenUp) ? ExitStatus.refused : ExitStatus.done;
}

interface Taken {
  readonly client: ControllerClient;
  readonly status: FlowStatus;
  readonly goal: goals.Goal;
}

/** The status at the goal, and a line of it. */
async function ended({ client, status, goal }: Taken, { timeout, output }: SubmitOptions): Promise<FlowStatus> {
  const flow = { namespace: status.namespace, jobId: status.jobId };
  const end = (await waitFor({ client, flow, goal }, { say, timeoutMs: timeout && timeout * 1_000 })) ?? status;
  if (output === 'table') process.stdout.write(endLine(end));
  return end;
}

/** A batch completes all the same, as `kflow run` does: its reason is that records are in the dead letters. */
function hasGivenUp({ status, reason }: FlowStatus): boolean {
  return status === 'Completed' && reason !== undefined;
}

function endLine(end: FlowStatus): string {
  const what = end.closeTime === null ? `${end.status}, ${end.health.state}` : end.status;
  return `${flowName(end)} ${what}${end.reason === undefined ? '' : `: ${end.reason}`}\n`;
}

/** What a controller of another version warns of, and the file's own check did not. */
function warn(warnings: readonly DocumentProblem[], { places, warnings: said }: FlowFile): void {
  const isNew = (one: DocumentProblem) => !said.some(({ code, path }) => code === one.code && path === one.path);
  for (const warning of warnings.filter(isNew)) say(places.format(warning));
}

/** What the controller found in the document, at the lines of its file. */
function placed(error: unknown, { places, name, flow }: FlowFile): unknown {
  if (!(error instanceof ApiRefusal)) return error;
  for (const problem of error.problem.problems ?? []) say(places.format(problem));
  if (error.code === 'flow-exists') {
    const next = `kflow diff ${flowName(flow)} ${name} shows what differs, kflow update ${name} changes it`;
    return new CommandError(error.status, error.code, `${error.message}\n${next}`, error);
  }
  if ((error.problem.problems ?? []).length === 0) return error;
  return new CommandError(
    error.status,
    error.code,
    `${flowName(flow)}: ${error.problem.title}; nothing was changed`,
    error,
  );
}
