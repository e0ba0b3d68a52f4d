import { readTaskFlow } from '../../documents/load-task-flow';
import { type ExitStatus, usageError } from '../../frame/exit-status';
import type { Interrupts } from '../../frame/interrupts';
import type { TaskRun, TaskRunOptions } from './task-run';

/** Runs a task flow in the foreground. `Done` if it completed; its output is on stdout. */
export async function runTaskFlow(
  file: string,
  options: TaskRunOptions,
  openInterrupts: () => Interrupts,
): Promise<ExitStatus> {
  const { simulate, delay, failures, seed, worker } = options;
  const simulated = Object.entries({ delay, failures, seed }).find(([, value]) => value !== undefined);
  if (!simulate && simulated !== undefined) throw usageError(`--${simulated[0]} requires --simulate`);
  if (simulate && worker.length > 0) throw usageError('--simulate starts no workers; omit --worker');
  const run: TaskRun = { ...options, file, ...readTaskFlow(file) };
  if (simulate) return (await import('./run-simulation.js')).runSimulation(run, openInterrupts());
  return (await import('./run-on-stack.js')).runOnStack(run, openInterrupts());
}
