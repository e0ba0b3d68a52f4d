import { renderExactJson } from '../../../../lib/topology/avro/exact-json';
import type { Step, StepEntry, StepFolder, StepList } from '../../../api-contract/steps';
import { age } from '../../render/measures';
import { type Column, renderTable } from '../../render/table';
import { mediumOf } from '../../terminal/output';

/** The folders of each function, then their objects. */
export function renderStepList({ folders, steps }: StepList): string {
  const medium = mediumOf(process.stdout);
  const places: readonly Column<StepFolder>[] = [
    { head: 'FUNCTION', cell: (folder) => folder.function },
    { head: 'IN', cell: ({ bucket, inDir }) => `s3a://${bucket}/${inDir}` },
    { head: 'OUT', cell: ({ bucket, outDir }) => `s3a://${bucket}/${outDir}` },
  ];
  const nowMs = Date.now();
  const columns: readonly Column<StepEntry>[] = [
    { head: 'FUNCTION', cell: (step) => step.function },
    { head: 'OBJECT', cell: ({ name }) => name },
    { head: 'STATE', cell: ({ state }) => state },
    { head: 'RUN', align: 'right', cell: ({ run }) => String(run) },
    { head: 'IN', align: 'right', cell: ({ inputs }) => String(inputs) },
    { head: 'OUT', align: 'right', cell: ({ outputs }) => String(outputs) },
    { head: 'AGE', align: 'right', cell: ({ endedAt }) => (endedAt === undefined ? '-' : age(endedAt, nowMs)) },
    { head: 'ERROR', cell: ({ error = '' }) => error.replace(/\s+/g, ' '), isTruncated: true },
  ];
  const objects = steps.length === 0 ? 'no objects\n' : renderTable(steps, columns, medium);
  return `${renderTable(folders, places)}\n${objects}`;
}

/** A step with its records, as lines. */
export function renderStep({ function: id, name, state, run, ms, inputs, outputs, sideOutputs, errors }: Step): string {
  const time = ms === undefined ? '' : `, ${ms} ms`;
  const lines = [
    `${id}  ${name}  ${state}, run ${run}${time}`,
    ...inputs.map((record) => `  in   ${renderExactJson(record)}`),
    ...outputs.map((record) => `  out  ${renderExactJson(record)}`),
    ...Object.entries(sideOutputs).flatMap(([side, records]) =>
      records.map((record) => `  out  ${side}: ${renderExactJson(record)}`),
    ),
    ...errors.flatMap(({ record, type, message, trace }) => [
      `  error${errors.length > 1 || inputs.length > 1 ? ` of record ${record}` : ''}  ${type}: ${message}`,
      ...(trace === undefined
        ? []
        : trace
            .trimEnd()
            .split('\n')
            .map((line) => `    ${line}`)),
    ]),
  ];
  return `${lines.join('\n')}\n`;
}
