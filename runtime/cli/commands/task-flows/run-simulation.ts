import { randomInt } from 'node:crypto';
import { Random } from '../../../../lib/random';
import { executionDetail } from '../../../controller/executions/service/execution-views';
import type { ExitStatus } from '../../frame/exit-status';
import type { Interrupts } from '../../frame/interrupts';
import { onInterrupts, statusOfRun } from './on-interrupts';
import { Simulation } from './simulation';
import type { TaskRun } from './task-run';
import { TaskRunView } from './task-run-view';

/** Runs a task flow without servers, and shows its steps. */
export async function runSimulation(run: TaskRun, interrupts: Interrupts): Promise<ExitStatus> {
  const { graph, input = {}, delay: delayMs = 0, failures = 0, seed = randomInt(2 ** 31), timeout } = run;
  const view = await TaskRunView.open();
  if (failures > 0) view.say(`seed ${seed}; --seed ${seed} repeats the failures`);
  const random = new Random(seed);
  const simulation: Simulation = new Simulation(graph, {
    input,
    delayMs,
    failures: failures / 100,
    random: () => random.next(),
    onChange: () => view.show(executionDetail(simulation.snapshot())),
  });
  interrupts.exitAt = 3;
  const over = new AbortController();
  const watching = onInterrupts({ interrupts, timeoutMs: timeout, signal: over.signal }, () => simulation.cancel());
  const outcome = await simulation.run().finally(() => over.abort());
  await watching;
  view.end(executionDetail(simulation.snapshot()));
  return statusOfRun(outcome.status === 'completed', interrupts);
}
