import { ProcessHost } from '../framing/process-host';
import type { HostFactory } from '../host-factory';
import { pythonProgram } from './load';

/** Runs Python code in a process of its own; the other side is `sdk/python/kfbasicpy/host`. */
export const pythonHost: HostFactory = (options) => new ProcessHost(options, pythonProgram(options.env));
