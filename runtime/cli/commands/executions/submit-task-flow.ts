import { type ExecutionKey, executionName } from '../../../api-contract/execution-key';
import { executionPhases } from '../../../api-contract/execution-phase';
import type { ExecutionDetail } from '../../../api-contract/execution-status';
import { lossOf } from '../../client/client-error';
import { openExecutions } from '../../client/execution-session';
import type { ExecutionsClient } from '../../client/executions-client';
import type { FlowOptions } from '../../client/flow-session';
import { follow } from '../../client/follow';
import { readTaskFlow } from '../../documents/load-task-flow';
import { ExitStatus, usageError } from '../../frame/exit-status';
import { describeError } from '../../render/execution-status';
import { say, writeOutput } from '../../terminal/output';
import { nextExecutionStep } from './next-execution-step';

/** Options of `kflow submit` for task flows. */
interface TaskFlowOptions {
  readonly input: unknown;
  readonly id: string | undefined;
  readonly attribute: readonly (readonly [string, string])[];
  readonly schedule: string | undefined;
  readonly overlap: 'skip' | 'queue' | 'cancel' | undefined;
  readonly timezone: string | undefined;
}

interface SubmitInput extends TaskFlowOptions, FlowOptions {
  readonly comment: string | undefined;
  readonly wait: boolean;
  readonly timeout: number | undefined;
}

/** Starts an execution, or sets a schedule. With `--wait`, `Failed` unless the execution completed. */
export async function submitTaskFlow(file: string, input: SubmitInput): Promise<ExitStatus> {
  const { wait, timeout, output, comment, namespace = 'default', ...options } = input;
  assertUsed(input);
  const { text, graph, name } = readTaskFlow(file);
  const client = await openExecutions({ ...options, namespace, ...(comment === undefined ? {} : { comment }) });
  const request = {
    flow: text,
    ...(input.input === undefined ? {} : { input: input.input }),
    ...(input.id === undefined ? {} : { id: input.id }),
    ...(input.attribute.length === 0 ? {} : { attributes: Object.fromEntries(input.attribute) }),
  };
  const { schedule: cron, overlap, timezone } = input;
  if (cron !== undefined) {
    const id = input.id ?? graph.name;
    if (id === undefined) throw usageError(`--schedule needs a name: add @flow NAME to ${name}, or use --id`);
    const spec = { cron, ...(overlap && { overlap }), ...(timezone && { timezone }) };
    const set = await client.schedule(namespace, { ...request, id, schedule: spec });
    writeOutput(
      output,
      set,
      () => `${set.namespace}/${set.schedule}: scheduled${set.next ? `, next ${set.next}` : ''}\n`,
    );
    if (set.next === undefined) say(`no date fits "${cron}": the schedule starts nothing`);
    return ExitStatus.Done;
  }
  const started = await client.start(namespace, request);
  const line = `${executionName(started)}: ${started.outcome}`;
  if (output === 'table' && wait) say(line); // stdout has the output of the execution only
  if (!wait) {
    if (output === 'table') process.stdout.write(`${line}\n`);
    if (output === 'table') say(`watch it: kflow executions show ${executionName(started)} --watch`);
    else writeOutput(output, started, () => '');
    return ExitStatus.Done;
  }
  const end = await endOf(client, started, timeout);
  if (output === 'table') report(end);
  else writeOutput(output, end, () => '');
  if (!executionPhases[end.status].isClosed) return ExitStatus.TimedOut;
  return end.status === 'Completed' ? ExitStatus.Done : ExitStatus.Failed;
}

function assertUsed({ schedule, overlap, timezone, wait }: SubmitInput): void {
  if (schedule !== undefined) {
    if (wait) throw usageError('--wait: a schedule starts nothing now; omit --wait or --schedule');
    return;
  }
  if (overlap !== undefined) throw usageError('--overlap requires --schedule');
  if (timezone !== undefined) throw usageError('--timezone requires --schedule');
}

/** Seconds that one request waits. */
const waitSeconds = 30;

/** The execution when it has ended, or as it is at the timeout; also while the controller restarts. */
async function endOf(
  client: ExecutionsClient,
  key: ExecutionKey,
  timeoutMs = Number.POSITIVE_INFINITY,
): Promise<ExecutionDetail> {
  const deadline = Date.now() + timeoutMs;
  const secondsLeft = () => Math.max(0, (deadline - Date.now()) / 1_000);
  const late = new AbortController();
  const timer = Number.isFinite(timeoutMs) ? setTimeout(() => late.abort(), timeoutMs) : undefined;
  async function* states() {
    for (;;) yield await client.wait(key, Math.min(waitSeconds, secondsLeft()));
  }
  const onLost = (error: Error) => say(lossOf(error));
  let told: string | undefined;
  try {
    for await (const found of follow(states, { signal: late.signal, isKnown: true, onLost })) {
      if (executionPhases[found.status].isClosed || secondsLeft() === 0) return found;
      const next = nextExecutionStep(found);
      if (next !== undefined && next !== told) say(next);
      told = next;
    }
  } finally {
    clearTimeout(timer);
  }
  return client.show(key);
}

/** How it ended, on stdout its output. */
function report(end: ExecutionDetail): void {
  say(`${executionName(end)}: ${end.status}${end.error === undefined ? '' : `: ${describeError(end.error)}`}`);
  if (end.status === 'Completed') process.stdout.write(`${JSON.stringify(end.output ?? {}, null, 2)}\n`);
  const next = nextExecutionStep(end);
  if (next !== undefined) say(next);
}
