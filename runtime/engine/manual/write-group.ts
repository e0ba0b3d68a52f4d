import type { KFlowError } from '../../../lib/errors';
import type { OutputSpec } from '../../../lib/plan/function-spec';
import { outputHeaders } from '../output-headers';
import type { RecordWriter } from '../output-writer';
import type { GroupOutput } from '../ports/group-log';

interface Written extends GroupOutput {
  readonly output: OutputSpec;
}

/**
 * Stores the outputs of a group, those of a key one after the other: when one cannot be stored, those behind it are not either.
 * `settle` is called once, with the first error.
 */
export function writeGroup(
  writer: RecordWriter,
  outputs: readonly Written[],
  settle: (error: KFlowError | undefined) => void,
): void {
  let failure: KFlowError | undefined;
  const chains = chainsOf(outputs);
  let left = chains.length;
  const end = (error?: KFlowError) => {
    failure ??= error;
    if (--left === 0) settle(failure);
  };
  const next = (chain: readonly Written[], at: number) => {
    const written = chain[at];
    if (written === undefined) {
      end();
      return;
    }
    const { output, id, payload, ...headed } = written;
    const stored = (error?: KFlowError) => (error === undefined ? next(chain, at + 1) : end(error));
    writer.write(output, id, payload, stored, outputHeaders(headed));
  };
  if (left === 0) settle(undefined);
  for (const chain of chains) next(chain, 0);
}

/** The outputs of each key, and each output without one. */
function chainsOf(outputs: readonly Written[]): readonly (readonly Written[])[] {
  const chains = new Map<string, Written[]>();
  for (const output of outputs) {
    const name = output.key === undefined ? ` ${output.id}` : output.key;
    const chain = chains.get(name) ?? [];
    chain.push(output);
    chains.set(name, chain);
  }
  return [...chains.values()];
}
