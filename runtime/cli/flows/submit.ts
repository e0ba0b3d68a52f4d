import type { FlowStatus } from '../../controller/api/schemas';
import { flowName } from '../../controller/ports/flow-key';
import { ApiRefusal } from './api-refusal';
import type { ChangeAnswer, ControllerClient } from './controller-client';
import { CommandError, ExitStatus, usageError } from './exit-status';
import { type FlowFile, readFlowFile } from './flow-file';
import { type ChangeOptions, openClient, say } from './flow-session';
import * as goals from './goal';
import { nextStep } from './next-step';
import { writeOutput } from './output';
import { waitFor } from './wait-for';

export interface SubmitOptions extends ChangeOptions {
  readonly set: readonly string[];
  /** A flow that runs with another document is updated. */
  readonly update?: true;
}

/** `kflow submit`: every file is read before the first is sent. */
export async function submit(files: readonly string[], options: SubmitOptions): Promise<number> {
  const client = openClient(options);
  const send = (file: FlowFile) => submitted(client, file, options.update === true);
  return sendAll(client, readAll(files, options), { ...options, send });
}

/** `kflow update`: only what the documents let an update change. */
export async function update(file: string, options: SubmitOptions): Promise<number> {
  const client = openClient(options);
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

async function sendAll(client: ControllerClient, files: readonly FlowFile[], options: Sending): Promise<number> {
  const statuses: FlowStatus[] = [];
  for (const file of files) {
    const { outcome = 'taken', status } = await options
      .send(file)
      .catch((error) => Promise.reject(placed(error, file)));
    const flow = { namespace: status.namespace, jobId: status.jobId };
    const goal = file.mode === 'batch' && outcome !== 'updated' ? goals.completed : goals.running;
    const timeoutMs = options.timeout && options.timeout * 1_000;
    const end = options.wait ? await waitFor({ client, flow, goal }, { say, timeoutMs }) : undefined;
    statuses.push(end ?? status);
    if (options.output !== 'table') continue;
    process.stdout.write(`${flowName(flow)} ${outcome}, revision ${status.revision}\n`);
    if (files.length === 1) say(nextStep(end ?? status));
  }
  if (options.output !== 'table') writeOutput(options.output, files.length === 1 ? statuses[0] : statuses, () => '');
  return ExitStatus.done;
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
