import type { FunctionSpec } from '../../lib/plan/function-spec';
import type { Host, HostEvents, SchemaSource } from '../engine/ports/host';

/** The function that a host runs, and the ports through which it runs. */
export interface HostOptions {
  readonly spec: FunctionSpec;
  readonly events: HostEvents;
  readonly schemas: SchemaSource;
  /** This replica, from 0. */
  readonly replica: number;
  /** The folder from which modules, and the packages of inline code, are resolved. */
  readonly baseDir: string;
  /** Whether the function gets a queue for its outputs (KFLOW_STREAM_PROCESS_FUNCTION). */
  readonly isStreaming: boolean;
  /** The environment of user code that runs in a process of its own. */
  readonly env: NodeJS.ProcessEnv;
}

/** Creates the host of a language; `host.ts` in the language's folder exports one. `open` loads the code. */
export type HostFactory = (options: HostOptions) => Host;
