import type { TaskGraph, TaskNode } from './task-graph';

/** States of steps that are drawn in a color of their own. */
export type DrawnStatus = 'running' | 'succeeded' | 'failed';

export interface MermaidOptions {
  /** From top to bottom instead of from left to right. */
  readonly isVertical?: boolean;
  /** By index of the node. */
  readonly statuses?: { readonly [index: number]: DrawnStatus };
}

const colors: { readonly [status in DrawnStatus]: string } = {
  running: 'fill:#d5f0d5,stroke:#2e7d32',
  succeeded: 'fill:#d6e6fb,stroke:#1c5fb0',
  failed: 'fill:#fbd9d7,stroke:#b3261e',
};

/**
 * The graph as a Mermaid state diagram. Tasks are `name.index`, where `:` and `-` are written out; subflows begin with a fork
 * and end with a join. A guard, `*` and `>` stand at the edge to their step; the branch of a failed step has the edge `catch`.
 */
export function renderTaskMermaid(
  graph: TaskGraph,
  { isVertical = false, statuses = {} }: MermaidOptions = {},
): string {
  const lines = graph.nodes.flatMap((node) => declaration(node));
  const edges = graph.nodes.flatMap((node) => edgesFrom(graph, node));
  const notes = graph.nodes.flatMap((node) => noteOf(node));
  return [
    'stateDiagram-v2',
    `  direction ${isVertical ? 'TB' : 'LR'}`,
    ...lines,
    ...edges,
    ...notes,
    ...statusLines(graph, statuses),
    '',
  ].join('\n');
}

function declaration(node: TaskNode): readonly string[] {
  const id = idOf(node);
  switch (node.kind) {
    case 'flow':
    case 'map':
      return [`  state ${id} <<fork>>`];
    case 'sink':
      return isEndOfFlow(node) ? [] : [`  state ${id} <<join>>`];
    case 'source':
      return [`  ${id}: ${textOf(JSON.stringify(node.value))}`];
    case 'load':
    case 'store':
      return [`  ${id}: ${textOf(node.uri)}`];
    case 'approval':
      return [`  ${id}: ${textOf(node.title)}`];
    case 'start':
    case 'task':
    case 'catch':
    case 'finally':
      return [];
  }
}

function edgesFrom(graph: TaskGraph, node: TaskNode): readonly string[] {
  const from = node.kind === 'catch' ? idOf(graph.nodes[node.of] as TaskNode) : idOf(node);
  const edges = node.to.map((index) => {
    const to = graph.nodes[index] as TaskNode;
    const label = [branchLabel(node), conditionOf(to)].filter((part) => part !== '').join(' ');
    return `  ${from} --> ${idOf(to)}${label === '' ? '' : `: ${label}`}`;
  });
  if (node.kind !== 'sink') return edges;
  if (node.begin === graph.finally) return [`  ${from} --> [*]`];
  // what a catch branch gives is what its step gives
  const begin = graph.nodes[node.begin];
  const step = begin?.kind === 'catch' ? graph.nodes[begin.of] : undefined;
  const exit = step !== undefined && 'end' in step ? graph.nodes[step.end] : step;
  return [...edges, ...(exit?.to ?? []).map((index) => `  ${from} --> ${idOf(graph.nodes[index] as TaskNode)}`)];
}

function branchLabel({ kind }: TaskNode): string {
  return kind === 'catch' ? 'catch' : kind === 'finally' ? 'finally' : '';
}

function conditionOf(node: TaskNode): string {
  const parts = [
    node.kind === 'map' ? '*' : '',
    'merge' in node && node.merge ? '>' : '',
    'guard' in node && node.guard !== undefined ? `? ${node.guard}` : '',
  ];
  return textOf(parts.filter((part) => part !== '').join(' '));
}

function noteOf(node: TaskNode): readonly string[] {
  const doc = 'doc' in node ? node.doc?.trim().split('\n')[0] : undefined;
  return doc === undefined || doc === '' ? [] : [`  note left of ${idOf(node)}: ${textOf(doc)}`];
}

function statusLines({ nodes }: TaskGraph, statuses: NonNullable<MermaidOptions['statuses']>): readonly string[] {
  const drawn = nodes.flatMap((node) => {
    const status = statuses[node.index];
    return status === undefined || idOf(node) === '[*]' ? [] : [{ id: idOf(node), status }];
  });
  const used = Object.entries(colors).filter(([status]) => drawn.some((each) => each.status === status));
  return [
    ...used.map(([status, style]) => `  classDef ${status} ${style}`),
    ...drawn.map(({ id, status }) => `  class ${id} ${status}`),
  ];
}

function isEndOfFlow(node: TaskNode): boolean {
  return node.kind === 'sink' && node.begin === 0;
}

/** Mermaid reads `:` and `-` in names as its own. */
function idOf(node: TaskNode): string {
  if (node.kind === 'start' || node.kind === 'finally' || isEndOfFlow(node)) return '[*]';
  const name = 'name' in node && node.name !== undefined ? node.name : node.kind;
  return `${name.replaceAll(':', '_COLON_').replaceAll('-', '_HYPHEN_')}.${node.index}`;
}

/** Text on one line, without what Mermaid would read as the end of the statement. */
function textOf(text: string): string {
  return text.replace(/\s+/g, ' ').replaceAll(';', ',').replaceAll(':', '#colon;');
}
