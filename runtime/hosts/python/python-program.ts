import { delimiter, join } from 'node:path';
import { packageRoot } from '../../package-root';

/**
 * The Python that runs user code (KFLOW_PYTHON, else `python3` on PATH) and its environment, in which kfbasicpy is
 * found before any other of that name.
 */
export function pythonProgram(env: NodeJS.ProcessEnv): { command: string; env: NodeJS.ProcessEnv } {
  const folders = [join(packageRoot, 'sdk', 'python'), env.PYTHONPATH].filter((folder) => folder);
  return {
    command: env.KFLOW_PYTHON || 'python3',
    env: { PYTHONUTF8: '1', ...env, PYTHONPATH: folders.join(delimiter) },
  };
}
