import { delimiter, join } from 'node:path';
import { packageRoot } from '../../package-root';
import { ProcessHost } from '../framing/process-host';
import type { HostProgram } from '../framing/user-process';
import type { HostFactory } from '../host-factory';

/** Runs Python code in a process of its own; the other side is `sdk/python/kfbasicpy/host`. */
export const pythonHost: HostFactory = (options) => new ProcessHost(options, pythonProgram(options.env));

/** The program that loads and runs Python code: KFLOW_PYTHON, or `python3` on PATH. It imports this package's kfbasicpy. */
export function pythonProgram(env: NodeJS.ProcessEnv): HostProgram {
  const folders = [join(packageRoot, 'sdk', 'python'), env.PYTHONPATH].filter((folder) => folder);
  return {
    language: 'Python',
    command: env.KFLOW_PYTHON || 'python3',
    args: ['-m', 'kfbasicpy.host.main'],
    env: { PYTHONUTF8: '1', ...env, PYTHONPATH: folders.join(delimiter) },
    unsupportedStatus: 9, // exit status of kfbasicpy/host/main.py
    remedy: 'install Python 3.9 or newer, or set KFLOW_PYTHON to its path',
  };
}
