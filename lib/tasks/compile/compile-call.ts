import type { z } from 'zod';
import { isPlainMap } from '../../plain-map';
import { suggest } from '../../topology/problem/nearest-name';
import {
  completePolicy,
  durationOf,
  failureModeOf,
  mergePolicies,
  type PolicyDocument,
  policySchema,
} from '../document/policy-schema';
import type { TaskFlowProblems } from '../document/task-flow-problems';
import type { ApprovalDeadline, FormField } from '../graph/task-graph';
import type { TaskCall, WrittenValue } from '../language/syntax';
import { type approvalSchema, builtInNamespaces, builtInTasks } from './built-in-tasks';
import type { CompileContext } from './compile-context';
import type { NodeFields } from './draft-graph';
import { mergeParameters, type TaskDefinition } from './task-definitions';

type Approval = z.infer<typeof approvalSchema>;

interface CallOptions {
  /** Merge and guard of the step. */
  readonly conditional: object;
  /** That of the item of a map, checked already. */
  readonly policy?: PolicyDocument;
  readonly isMapped: boolean;
}

/** The node of a call of a task. Reports what its parameters and its policy lack. */
export function compileCall(
  call: TaskCall,
  context: CompileContext,
  { conditional, policy, isMapped }: CallOptions,
): NodeFields {
  const { definitions, problems } = context;
  const definition = definitions.of(call.name);
  const parameters = mergeParameters(definition.parameters, call.parameters, () =>
    definitions.addContainerProblem(call.parameters?.place.at ?? call.at, call.name),
  );
  const complete = policy ?? policyOf(call, definition, context);
  if (!isMapped && complete.map !== undefined && call.policy !== undefined && definition.policy.map === undefined) {
    const message = 'only a step that runs for each item of a list (* X) has limits of a map';
    problems.add({ code: 'setting-invalid', at: call.policy.place.at, path: `${call.name}.with.map`, message });
  }
  const checked = checkParameters(call, definition, { parameters, context });
  const shared = {
    name: call.name,
    ...conditional,
    ...(definition.doc === undefined ? {} : { doc: definition.doc }),
    at: problems.positionOf(call.at),
  };
  if (definition.base === 'approve') {
    if (checked !== undefined) checkApproval(checked as Approval, call, problems);
    return { kind: 'approval', ...shared, ...approvalOf(checked), optional: failureModeOf(complete) };
  }
  const { templates = [] } = builtInTasks[definition.base] ?? {};
  return {
    kind: 'task',
    base: definition.base,
    ...shared,
    ...(parameters === undefined ? {} : { parameters: inSeconds(definition.base, parameters.value) }),
    ...(templates.length === 0 ? {} : { templates }),
    policy: completePolicy(complete),
  };
}

function policyOf(call: TaskCall, definition: TaskDefinition, { problems }: CompileContext): PolicyDocument {
  const path = `${call.name}.with`;
  const own = call.policy === undefined ? {} : (problems.read(policySchema, call.policy, path) ?? {});
  const policy = mergePolicies(definition.policy, own);
  const wrong =
    definition.base === 'approve' ? Object.keys(policy).filter((key) => key !== 'optional' && key !== 'map') : [];
  if (wrong.length > 0) {
    const message = `an approval has no ${wrong.join(', ')}; its deadline is a parameter`;
    problems.add({ code: 'setting-invalid', at: call.policy?.place.at ?? call.at, path, message });
  }
  return policy;
}

/** The parameters of a task of KFlow's own, checked; undefined for other tasks, and for wrong ones. */
function checkParameters(
  { name, at }: TaskCall,
  { base }: TaskDefinition,
  { parameters, context: { problems } }: { readonly parameters?: WrittenValue; readonly context: CompileContext },
): unknown {
  const [namespace = ''] = base.split(':');
  const task = Object.hasOwn(builtInTasks, base) ? builtInTasks[base] : undefined;
  if (task === undefined) {
    if (!base.includes(':') || !builtInNamespaces.has(namespace)) return undefined;
    const known = Object.keys(builtInTasks).filter((each) => each.startsWith(`${namespace}:`));
    problems.add({ code: 'type-unknown', at, path: name, message: `unknown task "${base}"${suggest(base, known)}` });
    return undefined;
  }
  return problems.read(task.parameters, parameters ?? { value: {}, place: { at, key: at } }, name);
}

function approvalOf(checked: unknown): {
  readonly title: string;
  readonly form: { readonly [field: string]: FormField };
  readonly deadline?: ApprovalDeadline;
} {
  // empty after a problem, which keeps the graph from being used
  const { title, form = {}, deadline, otherwise } = (checked ?? { title: '' }) as Approval;
  const fields = Object.entries(form).map(([name, { required = false, ...field }]) => [name, { ...field, required }]);
  const afterMs = durationOf(deadline);
  return {
    title,
    form: Object.fromEntries(fields),
    ...(afterMs === undefined || otherwise === undefined ? {} : { deadline: { afterMs, otherwise } }),
  };
}

/** What the keys of an approval need of each other. */
function checkApproval(
  { form = {}, deadline, otherwise }: Approval,
  { name, at }: TaskCall,
  problems: TaskFlowProblems,
): void {
  const report = (path: string, message: string) =>
    problems.add({ code: 'setting-missing', at, path: `${name}.${path}`, message });
  if (deadline !== undefined && otherwise === undefined)
    report('deadline', 'a deadline needs "otherwise": reject or fail');
  if (deadline === undefined && otherwise !== undefined) report('otherwise', '"otherwise" needs a deadline');
  for (const [field, { type, enum: choices = [] }] of Object.entries(form)) {
    if (type === 'enum' && choices.length === 0)
      report(`form.${field}`, 'an enum needs its choices: enum: [low, high]');
    if (type !== 'enum' && choices.length > 0)
      report(`form.${field}`, `a ${type} has no choices; its type is enum, or remove them`);
  }
}

/** The duration of a delay as a number of seconds, however it is written. */
function inSeconds(base: string, parameters: unknown): unknown {
  if (base !== 'wait:delay' || !isPlainMap(parameters)) return parameters;
  const ms = durationOf(parameters.duration as string | number | undefined);
  return ms === undefined ? parameters : { ...parameters, duration: ms / 1_000 };
}
