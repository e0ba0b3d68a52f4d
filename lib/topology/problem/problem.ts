import { type ErrorCode, KFlowError } from '../../errors';

/** The path from the document's root to a value: keys of maps and indexes of lists. */
export type DocumentPath = readonly (string | number)[];

/** Renders a path as messages show it: `dag[1].meta.max.poll.interval.ms`. */
export function formatPath(path: DocumentPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}

/** The value at a path of plain data; undefined if the path does not exist. */
export function valueAt(root: unknown, path: DocumentPath): unknown {
  let value: unknown = root;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as { readonly [key: string | number]: unknown })[step];
  }
  return value;
}

/** A problem of a document. An `error` prevents the flow from running; a `warning` names what behaves differently. */
export interface Problem {
  readonly severity: 'error' | 'warning';
  readonly code: ErrorCode;
  readonly file: string;
  /** Line and column, both from 1. */
  readonly line: number;
  readonly col: number;
  /** Path in the document, as in `dag[2].out[0]`; empty for the document as a whole. */
  readonly path: string;
  /** What is expected, the actual value, and what to do. */
  readonly message: string;
}

/** Text of a problem on one line: `file:line:col  path  message`. */
export function formatProblem(problem: Problem): string {
  const place = `${problem.file}:${problem.line}:${problem.col}`;
  const severity = problem.severity === 'warning' ? 'warning: ' : '';
  return [place, problem.path, `${severity}${problem.message}`].filter((part) => part !== '').join('  ');
}

/** Thrown for a document with errors. It carries all problems; its code is that of the first error. */
export class TopologyError extends KFlowError {
  override readonly name = 'TopologyError';

  constructor(readonly problems: readonly Problem[]) {
    const first = problems.find(({ severity }) => severity === 'error');
    super(first?.code ?? 'shape', problems.map(formatProblem).join('\n'), { where: first?.path });
  }
}
