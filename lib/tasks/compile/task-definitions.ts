import { isPlainMap } from '../../plain-map';
import { mergePolicies, type PolicyDocument, policySchema } from '../document/policy-schema';
import type { TaskFlowProblems } from '../document/task-flow-problems';
import type { Statement, TaskDeclaration, WrittenValue } from '../language/syntax';

/** What the declarations say about a task, aliases resolved. A task without a declaration is defined by its name. */
export interface TaskDefinition {
  readonly name: string;
  /** The task that a worker runs. */
  readonly base: string;
  readonly parameters?: WrittenValue;
  readonly policy: PolicyDocument;
  readonly doc?: string;
  /** The task stands for these statements, declared under the name `base`. */
  readonly statements?: readonly Statement[];
}

const maxAliases = 100;

/** The declared tasks of a flow, each checked and resolved once. */
export class TaskDefinitions {
  private readonly declared = new Map<string, TaskDeclaration>();
  private readonly resolved = new Map<string, TaskDefinition>();

  constructor(
    tasks: readonly TaskDeclaration[],
    private readonly problems: TaskFlowProblems,
  ) {
    for (const task of tasks) {
      const { name, at } = task;
      if (this.declared.has(name)) {
        const line = problems.positionOf(this.declared.get(name)?.at ?? 0).line;
        const message = `the task is declared in line ${line} already; remove one of the declarations`;
        problems.add({ code: 'id-duplicate', at, path: `@task ${name}`, message });
      } else this.declared.set(name, task);
    }
    for (const name of this.declared.keys()) this.of(name);
  }

  of(name: string): TaskDefinition {
    return this.resolve(name, []);
  }

  /** Declared tasks that stand for statements. */
  get subflows(): readonly TaskDefinition[] {
    return [...this.declared.values()]
      .filter(({ statements }) => statements !== undefined)
      .map(({ name }) => this.of(name));
  }

  private resolve(name: string, above: readonly string[]): TaskDefinition {
    const known = this.resolved.get(name);
    if (known !== undefined) return known;
    const task = this.declared.get(name);
    if (task === undefined) return { name, base: name, policy: {} };
    const path = `@task ${name}`;
    const policy =
      task.policy === undefined ? {} : (this.problems.read(policySchema, task.policy, `${path}.with`) ?? {});
    let definition: TaskDefinition = { ...task, base: name, policy };
    if (task.base !== undefined) {
      if ([...above, name].includes(task.base)) {
        const names = [...above, name, task.base].join(' -> ');
        this.problems.add({ code: 'cycle', at: task.at, path, message: `the aliases form a cycle: ${names}` });
      } else if (above.length >= maxAliases) {
        this.problems.add({ code: 'shape', at: task.at, path, message: `more than ${maxAliases} aliases lead here` });
      } else definition = this.aliased(task, policy, this.resolve(task.base, [...above, name]));
    }
    if (task.statements !== undefined && task.parameters !== undefined) {
      const message = 'a task that stands for a subflow has no parameters; give them to the tasks in the subflow';
      this.problems.add({ code: 'setting-invalid', at: task.at, path, message });
    }
    this.resolved.set(name, definition);
    return definition;
  }

  private aliased(task: TaskDeclaration, policy: PolicyDocument, target: TaskDefinition): TaskDefinition {
    const parameters = mergeParameters(target.parameters, task.parameters, () =>
      this.addContainerProblem(task.at, task.name),
    );
    return {
      name: task.name,
      base: target.base,
      ...(parameters === undefined ? {} : { parameters }),
      policy: mergePolicies(target.policy, policy),
      ...(task.doc === undefined && target.doc === undefined ? {} : { doc: task.doc ?? target.doc }),
      ...(target.statements === undefined ? {} : { statements: target.statements }),
    };
  }

  addContainerProblem(at: number, path: string): void {
    const message = 'the parameters and their defaults are of different kinds; write both as a map, or both as a list';
    this.problems.add({ code: 'setting-invalid', at, path, message });
  }
}

/**
 * Parameters over their defaults: of maps, the keys of both; anything else is replaced. `differ` is called for a map and a
 * value of another kind.
 */
export function mergeParameters(
  defaults: WrittenValue | undefined,
  own: WrittenValue | undefined,
  differ: () => void,
): WrittenValue | undefined {
  if (defaults === undefined || own === undefined) return own ?? defaults;
  if (kindOf(defaults.value) !== kindOf(own.value)) differ();
  if (!isPlainMap(defaults.value) || !isPlainMap(own.value)) return own;
  const children = new Map([...(defaults.place.children ?? []), ...(own.place.children ?? [])]);
  return { value: { ...defaults.value, ...own.value }, place: { ...own.place, children } };
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? 'list' : isPlainMap(value) ? 'map' : 'scalar';
}
