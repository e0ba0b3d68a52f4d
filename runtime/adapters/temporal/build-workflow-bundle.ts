import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { workflowBundle } from './workflow-bundle';

/** Bundles the workflows once, at build time: a worker that does it itself takes a second longer to start. */
async function main(): Promise<void> {
  const logger = new DefaultLogger('WARN');
  const workflowsPath = path.join(path.dirname(workflowBundle), 'kflow-dsl.js');
  const { code } = await bundleWorkflowCode({ workflowsPath, logger });
  writeFileSync(workflowBundle, code);
}

void main();
