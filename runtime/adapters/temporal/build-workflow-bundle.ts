import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { packageRoot } from '../../package-root';
import { workflowBundle } from './temporal-worker';

/** Bundles the workflows at build time, because bundling them in the worker takes a second at every start. */
async function main(): Promise<void> {
  const logger = new DefaultLogger('WARN');
  // A relative path, because the bundle has the path in it.
  process.chdir(path.dirname(workflowBundle));
  const { code } = await bundleWorkflowCode({ workflowsPath: './workflows.js', logger });
  writeFileSync(workflowBundle, withoutPlace(code));
}

/** The source map has the name of a temporary file and the package's folder, which would make every build another one. */
function withoutPlace(code: string): string {
  return code.replace(/(?<=^\/\/# sourceMappingURL=data:application\/json;charset=utf-8;base64,).+$/m, (encoded) => {
    const map = Buffer.from(encoded, 'base64').toString().replaceAll(packageRoot, '/kflow');
    return Buffer.from(JSON.stringify({ ...JSON.parse(map), file: path.basename(workflowBundle) })).toString('base64');
  });
}

void main();
