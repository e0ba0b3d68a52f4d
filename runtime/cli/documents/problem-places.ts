import type { ErrorCode } from '../../../lib/errors';
import { formatProblem, type Problem } from '../../../lib/topology/problem/problem';
import type { DocumentSource } from '../../../lib/topology/read/document-source';
import { resolveSetPath } from '../../../lib/topology/read/set-path';
import type { ApiProblem } from '../../api-contract/problem';
import { type LoadedTopology, placedIn } from './load-topology';

type ReportedProblem = NonNullable<ApiProblem['problems']>[number];

/**
 * Positions in a file of the problems that a controller found in its document. The controller counts the lines of the
 * text that was sent, which may differ from the file; the path of a problem is the same in both.
 */
export class ProblemPlaces {
  constructor(
    private readonly source: DocumentSource,
    private readonly loaded: Pick<LoadedTopology, 'name' | 'program'>,
  ) {}

  /** The problem as `kflow lint` prints it, on one line. */
  format({ severity, code, path, message }: ReportedProblem): string {
    const problem: Problem = { severity, code: code as ErrorCode, path, message, ...this.positionOf(path) };
    const { program } = this.loaded;
    return formatProblem(
      program === undefined ? problem : placedIn(program, { ...problem, file: this.loaded.name }, this.source.value),
    );
  }

  /** Of the path, or of the innermost enclosing value that is in the file. */
  private positionOf(path: string): Pick<Problem, 'file' | 'line' | 'col'> {
    const target = resolveSetPath(this.source.value, path);
    if (target.found) return this.source.positionOf(target.path);
    const shorter = path.replace(/(\.[^.[\]]*|\[\d+\]|^[^.[\]]*)$/, '');
    return shorter === path ? this.source.positionOf([]) : this.positionOf(shorter);
  }
}
