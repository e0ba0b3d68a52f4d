import { KFlowError } from '../../../../lib/errors';
import { flowName } from '../../../api-contract/flow-key';
import type { FlowStatus } from '../../../api-contract/flow-status';
import type { DocumentProblem } from '../../../api-contract/problem';
import { ApiRefusal } from '../../client/client-error';
import type { ChangeAnswer, ControllerClient } from '../../client/controller-client';
import { type ChangeOptions, openClient } from '../../client/flow-session';
import { type FlowFile, readFlowFile } from '../../documents/flow-file';
import { ExitStatus, usageError } from '../../frame/exit-status';
import { nextStep } from '../../render/flow-lines';
import { say, writeOutput } from '../../terminal/output';
import { type Condition, completed, healthyAt } from './condition';
import { waitUntilMet } from './wait-until';

export interface SubmitOptions extends ChangeOptions {
  readonly set: readonly string[];
}

/** Submits documents; with `isUpdate`, updates flows that run with another document. Reads every file before sending the first. */
export async function submitDocuments(
  files: readonly string[],
  { isUpdate, ...options }: SubmitOptions & { readonly isUpdate: boolean },
): Promise<ExitStatus> {
  const client = await openClient(options);
  const send = (file: FlowFile) => submitted(client, file, isUpdate);
  return sendAll(client, readAll(files, options), { ...options, send });
}

/** Updates a running flow. */
export async function updateDocument(file: string, options: SubmitOptions): Promise<ExitStatus> {
  const client = await openClient(options);
  const send = ({ body }: FlowFile) => client.update(body, options.namespace);
  return sendAll(client, readAll([file], options), { ...options, send });
}

function readAll(files: readonly string[], options: SubmitOptions): readonly FlowFile[] {
  const read = files.map((file) => readFlowFile(file, options));
  const names = read.map(({ flow }) => flowName(flow));
  const twice = read.find(({ flow }, index) => names.indexOf(flowName(flow)) < index);
  if (twice === undefined) return read;
  throw usageError(`${twice.name}: another of these files also defines the flow ${flowName(twice.flow)}`);
}

async function submitted(client: ControllerClient, { flow, body }: FlowFile, isUpdate: boolean): Promise<ChangeAnswer> {
  try {
    return await client.submit(flow, body);
  } catch (error) {
    if (!isUpdate || !(error instanceof ApiRefusal) || error.code !== 'flow-exists') throw error;
    return client.update(body, flow.namespace);
  }
}

/** Outcomes of the API in other words. */
const outcomes: { readonly [outcome: string]: string } = { unchanged: 'no change' };

interface Sending extends SubmitOptions {
  readonly send: (file: FlowFile) => Promise<ChangeAnswer>;
}

/** Sends all documents before waiting for the first. */
async function sendAll(client: ControllerClient, files: readonly FlowFile[], options: Sending): Promise<ExitStatus> {
  const isTable = options.output === 'table';
  const ends: (() => Promise<FlowStatus>)[] = [];
  for (const file of files) {
    const sent = options.send(file).catch((error) => Promise.reject(placed(error, file)));
    const { outcome = 'accepted', status } = await sent;
    warn(status.warnings ?? [], file);
    if (isTable)
      process.stdout.write(`${flowName(status)}: ${outcomes[outcome] ?? outcome}, revision ${status.revision}\n`);
    const condition = file.mode === 'batch' && outcome !== 'updated' ? completed : healthyAt(status.revision);
    ends.push(options.wait ? () => ended({ client, status, condition }, options) : async () => status);
  }
  const statuses: FlowStatus[] = [];
  for (const end of ends) statuses.push(await end());
  const [only] = statuses;
  if (!isTable) writeOutput(options.output, statuses.length === 1 ? only : statuses, () => '');
  else if (only !== undefined && statuses.length === 1) say(nextStep(only));
  return statuses.some(hasDeadLetters) ? ExitStatus.Failed : ExitStatus.Done;
}

interface Accepted {
  readonly client: ControllerClient;
  readonly status: FlowStatus;
  readonly condition: Condition;
}

/** Waits for the condition, prints a line for people, and returns the status. */
async function ended({ client, status, condition }: Accepted, { timeout, output }: SubmitOptions): Promise<FlowStatus> {
  const flow = { namespace: status.namespace, jobId: status.jobId };
  const end = (await waitUntilMet({ client, flow, condition }, timeout)) ?? status;
  if (output === 'table') process.stdout.write(endLine(end));
  return end;
}

/** A batch with dead letters also completes, with a reason that names them. */
function hasDeadLetters({ status, reason }: FlowStatus): boolean {
  return status === 'Completed' && reason !== undefined;
}

function endLine(end: FlowStatus): string {
  const what = end.closeTime === null ? `${end.status}, ${end.health.state}` : end.status;
  const empty = end.health.problems.filter(({ reason }) => reason === 'NoObjects');
  const notes = [end.reason, ...empty.map((problem) => `${problem.function}: ${problem.message}`)];
  return `${flowName(end)}: ${[what, ...notes].filter((note) => note !== undefined).join(': ')}\n`;
}

/** Prints warnings of the controller that the check of the file did not print, as from a controller of another version. */
function warn(warnings: readonly DocumentProblem[], { places, warnings: said }: FlowFile): void {
  const isNew = (one: DocumentProblem) => !said.some(({ code, path }) => code === one.code && path === one.path);
  for (const warning of warnings.filter(isNew)) say(places.format(warning));
}

/** Prints the problems that the controller reported with their lines in the file, and adds advice to the error. */
function placed(error: unknown, { places, name, flow }: FlowFile): unknown {
  if (!(error instanceof ApiRefusal)) return error;
  for (const problem of error.problem.problems ?? []) say(places.format(problem));
  if (error.code === 'flow-exists') {
    const next = `show the difference: kflow diff ${flowName(flow)} ${name}; apply it: kflow update ${name}`;
    return new KFlowError(error.code, `${error.message}\n${next}`, { cause: error });
  }
  if ((error.problem.problems ?? []).length === 0) return error;
  const message = `${flowName(flow)}: the controller rejected the document (${error.code}); nothing was changed`;
  return new KFlowError(error.code, message, { cause: error });
}
