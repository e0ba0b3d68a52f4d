import type { ErrorCode } from '../../errors';
import { type DocumentPath, formatPath, type Problem } from '../problem/problem';
import type { DocumentSource, Position } from './document-source';

export interface Finding {
  readonly code: ErrorCode;
  readonly path: DocumentPath;
  readonly message: string;
  /** Default: `error`. */
  readonly severity?: Problem['severity'];
  /** Whether the position is that of the value (the default) or of its key. */
  readonly at?: 'key' | 'value';
  /** Offset in the text value at the path. */
  readonly offset?: number;
}

/** Collects the problems of a document, with line and column. */
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

  /** Line of a path, for messages that refer to a second place. */
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
