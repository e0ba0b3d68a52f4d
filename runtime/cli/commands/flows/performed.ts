import { KFlowError } from '../../../../lib/errors';
import { CommandError, ExitStatus } from '../../exit-status';

/** Runs a command to its exit status. What it throws on purpose is said in its own words, anything else with its stack. */
export async function performed(command: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await command();
  } catch (error) {
    const text = error instanceof KFlowError ? error.message : String((error as Error).stack ?? error);
    process.stderr.write(`kflow: ${text}\n`);
    process.exitCode = error instanceof CommandError ? error.status : ExitStatus.refused;
  }
}
