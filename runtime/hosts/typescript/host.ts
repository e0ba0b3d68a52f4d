import { ProcessHost } from '../framing/process-host';
import type { HostFactory } from '../host-factory';
import { compileFunction } from './compile';
import { programFile } from './program-file';

/** Runs TypeScript and JavaScript in a Node process of its own, the one in `process/`. The code is compiled here. */
export const typeScriptHost: HostFactory = (options) =>
  new ProcessHost(
    options,
    {
      language: options.spec.language === 'javascript' ? 'JavaScript' : 'TypeScript',
      command: process.execPath,
      args: [programFile()],
      env: options.env,
      remedy: 'reinstall KFlow',
    },
    compileFunction,
  );
