import { isPlainMap, type PlainMap } from '../../plain-map';
import type { DraftFunction } from '../document/draft';
import type { DocumentPath } from '../problem/problem';
import { quote } from '../problem/show-value';
import type { ProblemList } from '../read/problem-list';

/** A name of a task in its task namespace, as flows write it after the colon. */
const taskName = /^[A-Za-z_][\w-]*$/;
const functionName = /^[\p{L}_$][\p{L}\p{N}_$]*$/u;

/** Checks the tasks of a task-worker, and that no other function has tasks. */
export function checkTasksOf({ raw, kind, path, type }: DraftFunction, problems: ProblemList): void {
  if (kind === 'worker') checkTasks(raw.tasks, path, problems);
  else if (raw.tasks !== undefined && type !== undefined) {
    const message = `only a task-worker has tasks; remove them, or set "type: task-worker"`;
    problems.add({ code: 'setting-invalid', path: [...path, 'tasks'], message, at: 'key' });
  }
}

/** Checks a map of tasks below a path: there are some, and each has a name and code. */
function checkTasks(tasks: unknown, above: DocumentPath, problems: ProblemList): void {
  const path = [...above, 'tasks'];
  if (tasks === undefined)
    problems.add({ code: 'setting-missing', path: above, message: 'no tasks are declared; add "tasks"' });
  if (!isPlainMap(tasks)) return;
  if (Object.keys(tasks).length === 0)
    problems.add({ code: 'setting-missing', path, message: 'no task is declared; add one', at: 'key' });
  for (const [name, task] of Object.entries(tasks)) {
    if (!taskName.test(name)) {
      const message = `the name of a task has letters, digits, _ and -, and begins with a letter or _; got ${quote(name)}`;
      problems.add({ code: 'name-invalid', path: [...path, name], message, at: 'key' });
    }
    if (!isPlainMap(task)) continue;
    checkCode(task, { path: [...path, name], noun: 'task', byDefault: name.replaceAll('-', '_') }, problems);
  }
}

/** Checks that something has either code or a module, and a name that can be that of a function in it. */
export function checkCode(
  { code, module, name }: PlainMap,
  of: {
    readonly path: DocumentPath;
    /** What it is, in messages. */
    readonly noun: string;
    /** Name of the function when it has none. */
    readonly byDefault: string;
  },
  problems: ProblemList,
): void {
  const { path, noun, byDefault } = of;
  if (code === undefined && module === undefined)
    problems.add({ code: 'setting-missing', path, message: `the ${noun} needs code or a module` });
  if (code !== undefined && module !== undefined) {
    const message = 'code and module exclude each other; remove one';
    problems.add({ code: 'setting-invalid', path: [...path, 'module'], message, at: 'key' });
  }
  const called = name ?? byDefault;
  if (typeof called !== 'string' || (name === undefined && !functionName.test(called))) return;
  if (!functionName.test(called)) {
    const message = `must be the name of a function, got ${quote(called)}`;
    problems.add({ code: 'setting-invalid', path: [...path, 'name'], message });
  } else if (typeof code === 'string' && !code.includes(called)) {
    const message = `the code has no function "${called}"; name it in "name"`;
    problems.add({
      code: 'setting-invalid',
      path: name === undefined ? [...path, 'code'] : [...path, 'name'],
      message,
    });
  }
}
