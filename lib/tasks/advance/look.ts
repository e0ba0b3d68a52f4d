import { isStepNode, type TaskNode } from '../graph/task-graph';
import type { JsonPath } from '../guards/json-path';
import { matchesPath } from '../guards/match-json-path';
import { hasReference, TemplateError } from '../guards/template';
import { holdsClaim, isClaim } from './claims';
import type { Look } from './execution-state';
import { filledIn } from './started-step';
import { InputError, itemsOf, mergeInputs } from './step-input';

/** Looks into an input without claims. */
export function lookInto(node: TaskNode, joined: unknown, guard: JsonPath | undefined): Look {
  let look: Look = {};
  try {
    if (isMerged(node)) look = { input: mergeInputs(joined) };
    const input = 'input' in look ? look.input : joined;
    if (guard !== undefined && !matchesPath(guard, input)) return { ...look, isPassed: true };
    if (node.kind === 'map') return { ...look, input: itemsOf(input) };
    return isStepNode(node) ? { ...look, filled: filledIn(node, input) } : look;
  } catch (error) {
    if (!(error instanceof InputError || error instanceof TemplateError)) throw error;
    return { ...look, fault: error.message };
  }
}

/** Whether the node looks into a value that a claim stands for. */
export function looksIntoClaim(node: TaskNode, joined: unknown, mark: string | undefined): boolean {
  if (node.kind === 'map') return isClaim(joined, mark);
  const isLooking = isMerged(node) || ('guard' in node && node.guard !== undefined) || hasTemplate(node);
  return isLooking && holdsClaim(joined, mark);
}

export function isMerged(node: TaskNode): boolean {
  return 'merge' in node && node.merge === true;
}

function hasTemplate(node: TaskNode): boolean {
  if (node.kind === 'load' || node.kind === 'store') return hasReference(node.uri);
  if (node.kind !== 'task') return false;
  const { concurrency, rate, memoize } = node.policy;
  return hasReference(
    JSON.stringify([node.templates === undefined ? [] : node.parameters, concurrency, rate, memoize]),
  );
}
