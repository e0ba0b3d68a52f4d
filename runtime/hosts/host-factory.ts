import type { FunctionSpec } from '../../lib/plan/function-spec';
import type { Host, HostEvents, SchemaSource } from '../engine/ports/host';

/** What a host needs to run a function. */
export interface HostOptions {
  readonly spec: FunctionSpec;
  readonly events: HostEvents;
  readonly schemas: SchemaSource;
  /** This replica, from 0. */
  readonly replica: number;
  /** Modules are resolved from here, and so are the packages of inline code. */
  readonly baseDir: string;
  /** KFLOW_STREAM_PROCESS_FUNCTION: the function gets a queue for its outputs. */
  readonly isStreaming: boolean;
  /** The environment of user code in a process of its own. */
  readonly env: NodeJS.ProcessEnv;
}

/** A language: `host.ts` of its folder exports one. The host loads the code when it is opened, not here. */
export type HostFactory = (options: HostOptions) => Host;
