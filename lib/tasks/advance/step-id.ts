/**
 * A step instance: the index of its node, and for a step within maps the index of the item in each map around it, outermost
 * first. `7`, `9[3]`, `12[3][0]`.
 */
export type StepId = string;

export function formatStepId(index: number, items: readonly number[]): StepId {
  let id = `${index}`;
  for (const item of items) id += `[${item}]`;
  return id;
}

/** The parts of an id; undefined for text that is none. */
export function parseStepId(id: StepId): { readonly index: number; readonly items: readonly number[] } | undefined {
  const [, index, items = ''] = /^(\d+)((?:\[\d+\])*)$/.exec(id) ?? [];
  if (index === undefined) return undefined;
  return { index: Number(index), items: [...items.matchAll(/\d+/g)].map(([item]) => Number(item)) };
}
