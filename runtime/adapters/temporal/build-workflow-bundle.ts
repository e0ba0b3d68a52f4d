import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { workflowBundle } from './temporal-worker';

/** Bundles the workflows at build time, because bundling them in the worker takes a second at every start. */
async function main(): Promise<void> {
  const logger = new DefaultLogger('WARN');
  const workflowsPath = path.join(path.dirname(workflowBundle), 'workflows.js');
  const { code } = await bundleWorkflowCode({ workflowsPath, logger });
  writeFileSync(workflowBundle, withFileName(code));
}

/** The source map names a temporary file, which would be another one in every build. */
function withFileName(code: string): string {
  return code.replace(/(?<=^\/\/# sourceMappingURL=data:application\/json;charset=utf-8;base64,).+$/m, (encoded) => {
    const map = JSON.parse(Buffer.from(encoded, 'base64').toString());
    return Buffer.from(JSON.stringify({ ...map, file: path.basename(workflowBundle) })).toString('base64');
  });
}

void main();
