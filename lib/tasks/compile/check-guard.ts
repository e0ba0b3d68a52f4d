import type { TaskFlowProblems } from '../document/task-flow-problems';
import { JsonPathError } from '../guards/json-path';
import { parseJsonPath } from '../guards/parse-json-path';
import type { BranchSyntax, GuardSyntax } from '../language/syntax';

/** Reports a guard that is no JSONPath, at the position of the fault. */
export function checkGuard(guard: GuardSyntax, run: BranchSyntax['run'], problems: TaskFlowProblems): void {
  try {
    parseJsonPath(guard.text);
  } catch (error) {
    if (!(error instanceof JsonPathError)) throw error;
    const path = run.kind === 'task' ? run.name : run.kind;
    problems.add({ code: 'syntax', at: guard.at + error.offset, path, message: `invalid guard: ${error.message}` });
  }
}
