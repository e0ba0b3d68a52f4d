import type { Command } from 'commander';
import { candidates } from './candidates';
import { ControllerNames } from './controller-names';

/** `kflow __complete`: a line for each candidate, with a tab before its description. */
export async function complete(program: Command, words: readonly string[]): Promise<number> {
  for (const { value, description } of await candidates(program, words, new ControllerNames())) {
    process.stdout.write(description === undefined ? `${value}\n` : `${value}\t${description}\n`);
  }
  return 0;
}
