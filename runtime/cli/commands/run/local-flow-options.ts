import type { RunDirectory } from './run-directory';

/** How a flow is run on this machine. */
export interface LocalFlowOptions {
  readonly directory: RunDirectory;
  /** The document's folder. */
  readonly baseDir: string;
  /** Servers are started here, in the place of the topology's addresses. */
  readonly isEmbedded: boolean;
  readonly say: (line: string) => void;
}
