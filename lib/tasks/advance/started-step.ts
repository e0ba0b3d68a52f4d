import { isPlainMap } from '../../plain-map';
import type { StepNode, TaskStepNode } from '../graph/task-graph';
import { fillTemplate, type TemplateValues } from '../guards/template';
import type { FilledStep } from './execution-state';

/** What whoever runs a step has to know beside its input. Throws TemplateError for a template that refers to something missing. */
export function filledIn(node: StepNode, input: unknown): FilledStep {
  if (node.kind === 'approval') return {};
  const { parameters } = node;
  const values = { input, parameters };
  if (node.kind !== 'task') {
    return { ...(parameters === undefined ? {} : { parameters }), uri: fillTemplate(node.uri, values) };
  }
  const keys = filledKeys(node, values);
  return {
    ...(parameters === undefined ? {} : { parameters: filledParameters(node, values) }),
    ...(Object.keys(keys).length === 0 ? {} : { keys }),
  };
}

function filledParameters({ parameters, templates = [] }: TaskStepNode, values: TemplateValues): unknown {
  if (!isPlainMap(parameters) || templates.length === 0) return parameters;
  const filled = Object.entries(parameters).map(([key, value]) =>
    typeof value === 'string' && templates.includes(key) ? [key, fillTemplate(value, values)] : [key, value],
  );
  return Object.fromEntries(filled);
}

function filledKeys({ policy }: TaskStepNode, values: TemplateValues): NonNullable<FilledStep['keys']> {
  const { concurrency, rate, memoize } = policy;
  const keys = { concurrency: concurrency?.key, rate: rate?.key, memoize: memoize?.key };
  return Object.fromEntries(
    Object.entries(keys).flatMap(([name, key]) => (key === undefined ? [] : [[name, fillTemplate(key, values)]])),
  );
}
