import type { ErrorCode } from '../../errors';
import { type DocumentPath, formatPath, type Problem } from '../problem/problem';
import type { DocumentSource, Position } from './document-source';

export interface Finding {
  readonly code: ErrorCode;
  readonly path: DocumentPath;
  readonly message: string;
  /** Left out: an error. */
  readonly severity?: Problem['severity'];
  /** Left out: at the value of the path. */
  readonly at?: 'key' | 'value';
  /** Where in the text value of the path. */
  readonly offset?: number;
}

/** The problems of one document, each put at its line and column. */
export class ProblemList {
  private readonly problems: Problem[] = [];

  constructor(readonly source: DocumentSource) {}

  add(finding: Finding): void {
    const { severity = 'error', code, path, message } = finding;
    this.problems.push({ severity, code, ...this.positionOf(finding), path: formatPath(path), message });
  }

  warn(finding: Finding): void {
    this.add({ ...finding, severity: 'warning' });
  }

  /** Line of a path, for messages that point at a second place. */
  lineOf(path: DocumentPath): number {
    return this.source.positionOf(path).line;
  }

  get all(): readonly Problem[] {
    return this.problems;
  }

  private positionOf({ path, at, offset }: Finding): Position {
    if (offset !== undefined) return this.source.positionInText(path, offset);
    return at === 'key' ? this.source.keyPositionOf(path) : this.source.positionOf(path);
  }
}
