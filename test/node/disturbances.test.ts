import { disturbances } from './disturbances';
import { InstalledController } from './stage/controller';
import { eventually } from './stage/eventually';
import { expectLedger } from './stage/expect-ledger';
import { ControlledRun, type FlowRun, GitOpsRun } from './stage/flow-run';
import { makeNamespace } from './stage/node';
import type { NumberFlow } from './stage/number-document';

const usual = { count: 400, rate: 20 };
/** Records at the sink of every flow when the disturbance comes. */
const before = 50;
const modes = ['batch', 'stream'] as const;

let controller: InstalledController;
beforeAll(async () => {
  controller = await InstalledController.open();
});

test.each(disturbances)('flows of numbers store each number once when $title', async (disturbance) => {
  const { name, flow, prepare, disturb, letters = [], isOrderly, isFromStart, isControlledOnly } = disturbance;
  const flowOf = (kind: string, mode: NumberFlow['mode']): NumberFlow => {
    const namespace = `${name}-${kind}-${mode}`;
    return { namespace, mode, ...usual, ...flow?.(namespace) };
  };
  const runs: FlowRun[] = modes.flatMap((mode) => [
    new ControlledRun(flowOf('controlled', mode), controller),
    ...(isControlledOnly ? [] : [new GitOpsRun(flowOf('gitops', mode))]),
  ]);
  try {
    await forAll(runs, async (run) => {
      await makeNamespace(run.namespace);
      await prepare?.(run.namespace);
      await run.start();
      if (isFromStart) return;
      await eventually(
        `${run.namespace} stores records`,
        () => run.stored(),
        (stored) => stored >= before,
      );
    });
    await disturb(runs);
    await forAll(runs, async (run) => {
      await expectLedger(run, letters);
      if (isOrderly) expect(await run.failedPods()).toBe(0);
    });
  } finally {
    await forAll(runs, (run) => run.close());
  }
});

/** Works on all flows at once, and fails after the last has ended, with every reason. */
async function forAll(runs: readonly FlowRun[], work: (run: FlowRun) => Promise<void>): Promise<void> {
  const results = await Promise.allSettled(runs.map(work));
  const failures = results.flatMap((result, index) =>
    result.status === 'rejected' ? [`${runs[index]?.namespace}: ${(result.reason as Error).message}`] : [],
  );
  if (failures.length > 0) throw new Error(failures.join('\n\n'));
}
