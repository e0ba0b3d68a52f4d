import { condition } from '@temporalio/workflow';

/**
 * Marks a task queue as one of an installation, which its memo names, so that no other installation takes work from it. Runs
 * until somebody ends it in Temporal.
 */
export async function KFlowInstallation(): Promise<void> {
  await condition(() => false);
}
