import type { DocumentPath } from '../../lib/topology/problem/problem';

/** What is wrong with a test. */
export interface Fault {
  /** Path in the test. */
  readonly path: DocumentPath;
  readonly message: string;
}
