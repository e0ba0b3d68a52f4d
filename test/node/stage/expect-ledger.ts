import { eventually } from './eventually';
import type { FlowRun } from './flow-run';

/** Waits until every number is at the sink once, or else a dead letter once, and the flow is done. */
export async function expectLedger(run: FlowRun, letters: readonly number[] = []): Promise<void> {
  const { count } = run.flow;
  const wanted = Array.from({ length: count }, (_, index) => index).filter((number) => !letters.includes(number));
  await eventually(
    `${run.namespace} stores all records`,
    () => run.stored(),
    (stored) => stored >= wanted.length,
  );
  await eventually(
    `${run.namespace} writes all letters`,
    () => run.letters(),
    (found) => found.length >= letters.length,
  );
  await run.untilSettled(letters.length);
  expect(await run.numbers()).toEqual(wanted);
  // replicas write them as they come
  expect((await run.letters()).sort((one, other) => one - other)).toEqual(letters);
}
