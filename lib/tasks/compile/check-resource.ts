import type { TaskFlowProblems } from '../document/task-flow-problems';
import type { ResourceSyntax } from '../language/syntax';

/** Warns of a resource that no version loads or stores yet. A URI that begins with a template is known only at run time. */
export function checkResource({ uri, at }: ResourceSyntax, problems: TaskFlowProblems): void {
  if (/^(https?:|s3:|\{)/i.test(uri)) return;
  const scheme = /^[a-z][a-z\d+.-]*:/i.exec(uri)?.[0] ?? 'relative';
  const message = `this version loads and stores only http:, https: and s3: resources, got: ${scheme}; the step will fail`;
  problems.add({ severity: 'warning', code: 'not-run-yet', at, path: `<${uri}>`, message });
}
