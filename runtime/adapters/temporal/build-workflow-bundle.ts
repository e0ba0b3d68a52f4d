import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { workflowBundle } from './temporal-worker';

/** Bundles the workflows at build time, because bundling them in the worker takes a second at every start. */
async function main(): Promise<void> {
  const logger = new DefaultLogger('WARN');
  const workflowsPath = path.join(path.dirname(workflowBundle), 'workflows.js');
  const { code } = await bundleWorkflowCode({ workflowsPath, logger });
  writeFileSync(workflowBundle, code);
}

void main();
