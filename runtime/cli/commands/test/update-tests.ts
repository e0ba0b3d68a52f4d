import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { KFlowError } from '../../../../lib/errors';
import { renderExactJson } from '../../../../lib/topology/avro/exact-json';
import { editText, type TextEdit } from '../../../../lib/topology/read/edit-text';
import type { ListComparison } from '../../../testing/compare-lists';
import { isObservedFailure, type ObservedFailure } from '../../../testing/observe';
import { unlettered } from '../../../testing/verdict';
import type { TestFile } from './find-tests';
import { hasPassed, type TestResult } from './test-result';

/**
 * Writes what failed tests have given into their file, in place of what they expect; records that are the same stay as they
 * are written, with their matchers. Tests that did not process their input stay as they are.
 */
export function updateTests(file: TestFile, results: readonly TestResult[]): void {
  const edits = results
    .filter((result) => !hasPassed(result) && result.run.failure === undefined)
    .flatMap((result) => editsOf(file, result));
  if (edits.length === 0) return;
  const edited = editText(file.text, edits);
  if (edited === undefined) {
    throw new KFlowError('config-invalid', `${file.file}: what is expected is an alias of YAML; write it out`);
  }
  writeFileSync(file.file, edited);
}

function editsOf(file: TestFile, result: TestResult): readonly TextEdit[] {
  const at = ['tests', result.index];
  const { run, expected } = result;
  const outputs = outputEdits(file, result);
  const letters = comparisonOf(result, 'letters');
  const errors = comparisonOf(result, 'errors');
  const isNew = expected.outputs === undefined && expected.letters === undefined && expected.errors === undefined;
  const hasChain = new Set(run.letters.map((letter) => letter.function)).size > 1 || expected.ends.length > 1;
  const lettersOf = () =>
    letters === undefined ? run.letters.map((each) => written(each, hasChain)) : updated(letters, hasChain);
  const errorsOf = () =>
    errors === undefined ? unlettered(run).map((each) => written(each, hasChain)) : updated(errors, hasChain);
  return [
    ...outputs,
    ...(letters !== undefined || (isNew && run.letters.length > 0)
      ? [{ path: [...at, 'letters'], value: lettersOf() }]
      : []),
    ...(errors !== undefined || (isNew && unlettered(run).length > 0)
      ? [{ path: [...at, 'errors'], value: errorsOf() }]
      : []),
  ];
}

/** What is written in a file of its own is written there. */
function outputEdits(file: TestFile, { index, run, expected, discrepancies }: TestResult): readonly TextEdit[] {
  const at = ['tests', index, 'output'];
  if (expected.outputs === undefined) {
    const isNew = expected.letters === undefined && expected.errors === undefined;
    return isNew ? [{ path: at, value: newOutput(run.outputs, expected.ends) }] : [];
  }
  const { output } = file.reading.tests[index] ?? {};
  const isMap = typeof output === 'object' && !Array.isArray(output);
  return discrepancies.flatMap((discrepancy) => {
    if (discrepancy.is !== 'output') return [];
    const records = updated(discrepancy.comparison, false);
    const place = isMap ? output[discrepancy.edge] : output;
    if (typeof place !== 'string') return [{ path: isMap ? [...at, discrepancy.edge] : at, value: records }];
    const lines = records.map((record) => `${renderExactJson(record)}\n`);
    writeFileSync(path.resolve(path.dirname(file.file), place), lines.join(''));
    return [];
  });
}

/** A list of the only last function if nothing else has a record; else a map of the last functions and of what has records. */
function newOutput(outputs: ReadonlyMap<string, readonly unknown[]>, ends: readonly string[]): unknown {
  const [end, ...others] = ends;
  const besides = [...outputs].filter(([name, records]) => name.includes('.') && records.length > 0);
  if (end !== undefined && others.length === 0 && besides.length === 0) return outputs.get(end) ?? [];
  return Object.fromEntries([...ends.map((name) => [name, outputs.get(name) ?? []] as const), ...besides]);
}

function comparisonOf({ discrepancies }: TestResult, is: 'letters' | 'errors'): ListComparison | undefined {
  const found = discrepancies.find((each) => each.is === is);
  return found !== undefined && 'comparison' in found ? found.comparison : undefined;
}

/** The observed items; those that are the same, as they are expected. */
function updated({ pairs }: ListComparison, hasChain: boolean): readonly unknown[] {
  return pairs.flatMap((pair) => {
    if (pair.isSame) return [pair.expected];
    return 'observed' in pair
      ? [isObservedFailure(pair.observed) ? written(pair.observed, hasChain) : pair.observed]
      : [];
  });
}

/** A failure as a test names it. */
function written({ function: id, type, message, record }: ObservedFailure, hasChain: boolean): unknown {
  return { ...(hasChain ? { function: id } : {}), type, message, record };
}
