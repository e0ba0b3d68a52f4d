import { writeFileSync } from 'node:fs';
import type { Problem } from '../../../../lib/topology/problem/problem';
import { defineCommand } from '../../frame/command';
import { ExitStatus } from '../../frame/exit-status';
import { argumentList, choiceOption, flag, text } from '../../frame/values';

export const fmt = defineCommand({
  name: 'fmt',
  summary: 'write task flows in the canonical layout',
  details: `Files are changed in place; the flow of a program, or of stdin (-), is printed.
A file with syntax errors stays as it is. With --check, nothing is written, and
the command exits with ${ExitStatus.Differs} when a file would change.`,
  arguments: { files: argumentList({ name: 'file', description: 'task flows (.flow)', parse: text }) },
  options: {
    check: flag('only name the files that would change'),
    to: choiceOption(['text', 'json'], 'print in this form instead', { placeholder: '<form>' }),
  },
  async run({ files, check, to }) {
    const { readText } = await import('../../documents/load-task-flow.js');
    const { formatProblem } = await import('../../../../lib/topology/problem/problem.js');
    let status: ExitStatus = ExitStatus.Done;
    for (const file of files) {
      const document = readText(file);
      const result = document.text === undefined ? [document.problem] : await format(document.text, document.name, to);
      if (typeof result !== 'string') {
        for (const problem of result) process.stderr.write(`${formatProblem(problem)}\n`);
        status = ExitStatus.Failed;
      } else if (to !== undefined || (document.isDerived && !check)) process.stdout.write(result);
      else if (result !== document.text) {
        process.stdout.write(`${document.name}\n`);
        if (check && status === ExitStatus.Done) status = ExitStatus.Differs;
        if (!check) writeFileSync(file, result);
      }
    }
    return status;
  },
});

/** The text in the canonical layout, in the form that it has unless another is given; or its problems. */
async function format(text: string, file: string, to?: 'text' | 'json'): Promise<string | readonly Problem[]> {
  const { readSyntax } = await import('../../../../lib/tasks/compile/compile-task-flow.js');
  const { TaskFlowProblems } = await import('../../../../lib/tasks/document/task-flow-problems.js');
  const { isJsonForm } = await import('../../../../lib/tasks/language/is-task-flow-text.js');
  const problems = new TaskFlowProblems(text, file);
  const syntax = readSyntax(text, file, problems);
  if (syntax === undefined || problems.hasErrors) return problems.all;
  const isJson = isJsonForm(text);
  if (!isJson && to !== 'json') {
    const { formatTaskFlow } = await import('../../../../lib/tasks/format/format-task-flow.js');
    return formatTaskFlow(text);
  }
  const { toJsonForm } = await import('../../../../lib/tasks/document/to-json-form.js');
  const form = toJsonForm(syntax);
  if (to !== 'text') return `${JSON.stringify(form, null, 2)}\n`;
  const { renderText } = await import('../../../../lib/tasks/document/render-text.js');
  return renderText(form);
}
