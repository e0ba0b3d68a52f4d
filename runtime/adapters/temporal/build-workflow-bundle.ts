import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { workflowBundle } from './temporal-worker';

/** Bundles the workflows at build time: bundling in the worker would delay its start by a second. */
async function main(): Promise<void> {
  const logger = new DefaultLogger('WARN');
  const workflowsPath = path.join(path.dirname(workflowBundle), 'workflows.js');
  const { code } = await bundleWorkflowCode({ workflowsPath, logger });
  writeFileSync(workflowBundle, code);
}

void main();
