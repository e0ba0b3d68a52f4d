import { LineCounter } from 'yaml';
import type { z } from 'zod';
import type { ErrorCode } from '../../errors';
import { checkShape } from '../../topology/check/check-shape';
import { withoutNulls } from '../../topology/document/without-nulls';
import type { Problem } from '../../topology/problem/problem';
import { DocumentSource } from '../../topology/read/document-source';
import { ProblemList } from '../../topology/read/problem-list';
import type { TextPosition } from '../graph/task-graph';
import type { WrittenValue } from '../language/syntax';

/** A problem of a task flow, at an offset of the text. `path` names the step or declaration. */
export interface TaskFlowFinding {
  readonly code: ErrorCode;
  readonly at: number;
  readonly path?: string;
  readonly message: string;
  readonly severity?: Problem['severity'];
}

/** Collects the problems of one text. A problem of a declaration that is used several times is kept once. */
export class TaskFlowProblems {
  /** Offsets of data with faults, about which nothing else is reported. */
  unreadable: ReadonlySet<number> = new Set();
  private readonly found = new Map<string, Problem>();
  private readonly lines = new LineCounter();

  constructor(
    private readonly text: string,
    private readonly file: string,
  ) {
    this.lines.addNewLine(0);
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.lines.addNewLine(at + 1);
  }

  add({ severity = 'error', code, at, path = '', message }: TaskFlowFinding): void {
    if (code !== 'syntax' && this.unreadable.has(at)) return;
    this.keep({ severity, code, file: this.file, ...this.positionOf(at), path, message });
  }

  /** A problem at a position that is known already. */
  addAt(
    { line, col }: TextPosition,
    { severity = 'error', code, message }: Pick<Problem, 'code' | 'message'> & Partial<Problem>,
  ): void {
    this.keep({ severity, code, file: this.file, line, col, path: '', message });
  }

  positionOf(at: number): TextPosition {
    const { line, col } = this.lines.linePos(at);
    return { line: Math.max(1, line), col: Math.max(1, col) };
  }

  /** The value if it has the shape of the schema; otherwise undefined, and its problems are added below `path`. */
  read<T extends z.ZodType>(
    schema: T,
    { value, place }: Pick<WrittenValue, 'value' | 'place'>,
    path: string,
  ): z.infer<T> | undefined {
    if (this.unreadable.has(place.at)) return undefined;
    const source = new DocumentSource(value, place, { file: this.file, text: this.text, lines: this.lines });
    const list = new ProblemList(source);
    const root = withoutNulls(value, schema);
    checkShape(root, list, schema);
    for (const problem of list.all) {
      this.keep({ ...problem, path: [path, problem.path].filter((part) => part !== '').join('.') });
    }
    return list.all.some(({ severity }) => severity === 'error') ? undefined : schema.parse(root);
  }

  /** In the order of the text. */
  get all(): readonly Problem[] {
    return [...this.found.values()].sort((one, other) => one.line - other.line || one.col - other.col);
  }

  get hasErrors(): boolean {
    return this.all.some(({ severity }) => severity === 'error');
  }

  private keep(problem: Problem): void {
    this.found.set(`${problem.line}:${problem.col} ${problem.message}`, problem);
  }
}
