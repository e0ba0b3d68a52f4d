import type { ErrorCode } from '../../../lib/errors';
import { formatProblem, type Problem } from '../../../lib/topology/problem/problem';
import type { DocumentSource } from '../../../lib/topology/read/document-source';
import { resolveSetPath } from '../../../lib/topology/read/set-path';
import type { ApiProblem } from '../../api-contract/problem';
import { type LoadedTopology, placedIn } from './load-topology';

type ReportedProblem = NonNullable<ApiProblem['problems']>[number];

/**
 * Finds the positions in a file of problems that the controller reported. The document that was sent may have other lines
 * than the file, so problems are located by their path.
 */
export class ProblemPlaces {
  constructor(
    private readonly source: DocumentSource,
    private readonly loaded: Pick<LoadedTopology, 'name' | 'program'>,
  ) {}

  /** The problem on one line, in the format of `kflow lint`. */
  format({ severity, code, path, message }: ReportedProblem): string {
    const problem: Problem = { severity, code: code as ErrorCode, path, message, ...this.positionOf(path) };
    const { program } = this.loaded;
    return formatProblem(
      program === undefined ? problem : placedIn(program, { ...problem, file: this.loaded.name }, this.source.value),
    );
  }

  /** The position of the path, or of the innermost enclosing value in the file. */
  private positionOf(path: string): Pick<Problem, 'file' | 'line' | 'col'> {
    const target = resolveSetPath(this.source.value, path);
    if (target.found) return this.source.positionOf(target.path);
    const shorter = path.replace(/(\.[^.[\]]*|\[\d+\]|^[^.[\]]*)$/, '');
    return shorter === path ? this.source.positionOf([]) : this.positionOf(shorter);
  }
}
