import path from 'node:path';
import { packageRoot } from '../../package-root';

/** File of the workflows' code, which `npm run build` makes. */
export const workflowBundle = path.join(packageRoot, 'dist/js/runtime/controller/flows/workflow/bundle.js');
