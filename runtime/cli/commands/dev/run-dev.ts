import { readFileSync } from 'node:fs';
import { renderExactJson } from '../../../../lib/topology/avro/exact-json';
import type { Step, Steps } from '../../../api-contract/steps';
import { readValues } from '../../../steps/step-records';
import type { StepAccess } from '../../client/steps-client';
import { ExitStatus, usageError } from '../../frame/exit-status';
import { say, writeOutput } from '../../terminal/output';
import { editText } from './edit-text';
import { openSteps, type StepSessionOptions } from './open-steps';
import { renderStep, renderStepList } from './render-steps';

interface JobInput extends StepSessionOptions {
  readonly job: string;
}
interface StepInput extends JobInput {
  readonly function: string;
  readonly name: string;
}
interface RecordInput extends StepInput {
  readonly file: string | undefined;
  readonly records: string | undefined;
}

export function listSteps(input: JobInput): Promise<ExitStatus> {
  return withSteps(input, async (steps) => {
    const list = await steps.list();
    writeOutput(input.output, list, () => renderStepList(list));
    return ExitStatus.Done;
  });
}

export function showStep(input: StepInput): Promise<ExitStatus> {
  return withSteps(input, async (steps) => report(input, [await steps.show(input.function, input.name)]));
}

export function runStep(input: RecordInput): Promise<ExitStatus> {
  return withSteps(input, async (steps) => {
    return report(input, [await steps.step(input.function, input.name, givenRecords(input))]);
  });
}

export function nextSteps(input: StepInput): Promise<ExitStatus> {
  return withSteps(input, async (steps) => reportMove(input, await steps.next(input.function, input.name)));
}

export function runTo(input: StepInput & { readonly to: string }): Promise<ExitStatus> {
  return withSteps(input, async (steps) => reportMove(input, await steps.runTo(input.function, input.name, input.to)));
}

export function editStep(input: RecordInput): Promise<ExitStatus> {
  return withSteps(input, async (steps) => {
    const records = givenRecords(input) ?? (await editedRecords(steps, input));
    return report(input, [await steps.edit(input.function, input.name, records)]);
  });
}

export function dropStep(input: StepInput): Promise<ExitStatus> {
  return withSteps(input, async (steps) => {
    await steps.drop(input.function, input.name);
    say(`${input.function}: ${input.name} is removed`);
    return ExitStatus.Done;
  });
}

export function simulate(
  input: JobInput & { readonly function: string; readonly from: string; readonly cursor: string },
): Promise<ExitStatus> {
  return withSteps(input, async (steps) => {
    const request = { cursor: input.cursor, execFnId: input.function, simFnId: input.from };
    return report(input, [await steps.simulate(request)]);
  });
}

async function withSteps(input: JobInput, act: (steps: StepAccess) => Promise<ExitStatus>): Promise<ExitStatus> {
  const session = await openSteps(input.job, input);
  try {
    return await act(session.steps);
  } finally {
    await session.close();
  }
}

/** The records of --records or --file; undefined without either. */
function givenRecords({ file, records }: RecordInput): readonly unknown[] | undefined {
  if (file !== undefined && records !== undefined) throw usageError('--file and --records: want one of the two');
  if (records !== undefined) return valuesOf(records, '--records');
  return file === undefined ? undefined : valuesOf(readFileSync(file === '-' ? 0 : file, 'utf8'), file);
}

function valuesOf(text: string, where: string): readonly unknown[] {
  const values = readValues(text);
  if (values !== undefined && values.length > 0) return values;
  throw usageError(`${where}: want JSON of a record, a list of records, or a record on each line`);
}

async function editedRecords(steps: StepAccess, { function: id, name }: StepInput): Promise<readonly unknown[]> {
  const { inputs } = await steps.show(id, name);
  const text = inputs.map((record) => `${renderExactJson(record)}\n`).join('');
  return valuesOf(editText(`${id}-${name}`, text), 'the edited text');
}

/** `Failed` when a step has failed, `TimedOut` when one has no result yet. */
function report({ output }: JobInput, steps: readonly Step[]): ExitStatus {
  write(output, steps.length === 1 ? steps[0] : steps, () => steps.map(renderStep).join('\n'));
  if (steps.some(({ state }) => state === 'failed')) return ExitStatus.Failed;
  return steps.some(({ state }) => state === 'waiting') ? ExitStatus.TimedOut : ExitStatus.Done;
}

function reportMove(input: JobInput, { steps, ends }: Steps): ExitStatus {
  for (const end of ends) say(`${end}: a sink; it would have got the records`);
  if (steps.length === 0 && ends.length === 0) say('no function reads the outputs');
  return report(input, steps);
}

/** JSON with longs in full, which `writeOutput` cannot write. */
function write(format: JobInput['output'], value: unknown, table: () => string): void {
  if (format === 'json') process.stdout.write(`${renderExactJson(value)}\n`);
  else writeOutput(format, value, table);
}
