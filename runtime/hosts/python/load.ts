import { delimiter, join } from 'node:path';
import { packageRoot } from '../../package-root';
import type { HostProgram } from '../framing/user-process';

/**
 * The program that loads and runs Python code: KFLOW_PYTHON, else `python3` on PATH. Its environment finds this package's
 * kfbasicpy before any other.
 */
export function pythonProgram(env: NodeJS.ProcessEnv): HostProgram {
  const folders = [join(packageRoot, 'sdk', 'python'), env.PYTHONPATH].filter((folder) => folder);
  return {
    language: 'Python',
    command: env.KFLOW_PYTHON || 'python3',
    args: ['-m', 'kfbasicpy.host'],
    env: { PYTHONUTF8: '1', ...env, PYTHONPATH: folders.join(delimiter) },
    unsupportedStatus: 9, // of kfbasicpy/host/__main__.py
    remedy: 'install Python 3.9 or newer, or set KFLOW_PYTHON to its path',
  };
}
