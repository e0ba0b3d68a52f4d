import type { TaskFlowProblems } from '../document/task-flow-problems';
import type { TextPosition } from '../graph/task-graph';
import type { TaskCall } from '../language/syntax';
import type { DraftGraph, NodeFields } from './draft-graph';
import type { TaskDefinitions } from './task-definitions';

/** What all scopes of one flow share while they are compiled. */
export class CompileContext {
  /** Declared subflows that were compiled. */
  readonly used = new Set<string>();
  private readonly open: string[] = [];
  private readonly positions: TextPosition[] = [];

  constructor(
    readonly draft: DraftGraph,
    readonly definitions: TaskDefinitions,
    readonly problems: TaskFlowProblems,
    /** False if a part of the text could not be read. */
    readonly isComplete: boolean,
  ) {}

  addNode(region: number, fields: NodeFields): number {
    const index = this.draft.add(region, fields);
    this.positions[index] = fields.at;
    return index;
  }

  readonly positionOfNode = (index: number): TextPosition => this.positions[index] ?? { line: 1, col: 1 };

  /** Compiles the subflow that a task stands for. A task within itself is reported, and undefined returned. */
  within<T>({ name, at }: TaskCall, compile: () => T): T | undefined {
    if (this.open.includes(name)) {
      const names = [...this.open.slice(this.open.indexOf(name)), name].join(' -> ');
      this.problems.add({ code: 'cycle', at, path: name, message: `the task contains itself: ${names}` });
      return undefined;
    }
    this.used.add(name);
    this.open.push(name);
    const result = compile();
    this.open.pop();
    return result;
  }
}
