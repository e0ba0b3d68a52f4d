import { proxyActivities } from '@temporalio/workflow';

const { pass } = proxyActivities<{ pass(value: unknown): Promise<unknown> }>({ startToCloseTimeout: '1 minute' });

/** A chain of plain Temporal activities, each with the output of the one before. */
export async function plainChain(steps: number, input: unknown): Promise<unknown> {
  let value = input;
  for (let step = 0; step < steps; step++) value = await pass(value);
  return value;
}
