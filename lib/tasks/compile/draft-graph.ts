import type { NodeBase, TaskNode } from '../graph/task-graph';

/** More would not fit into anything that shows or stores a graph. */
const maxNodes = 100_000;
/** Subflows within each other, those of declared tasks among them. */
const maxLevels = 500;

type Distribute<T> = T extends TaskNode ? Omit<T, keyof Omit<NodeBase, 'at'>> : never;

/** What a kind of node has beyond its place in the graph. */
export type NodeFields = Distribute<TaskNode>;

interface DraftNode {
  readonly region: number;
  readonly level: number;
  fields: NodeFields;
  readonly from: Set<number>;
  readonly to: Set<number>;
}

export class GraphTooLarge extends Error {
  override readonly name = 'GraphTooLarge';
}

/** A graph that is being built. Nodes get their indexes in the order in which they are added. */
export class DraftGraph {
  private readonly nodes: DraftNode[] = [];

  /** Throws GraphTooLarge. */
  add(region: number, fields: NodeFields): number {
    if (this.nodes.length >= maxNodes) throw new GraphTooLarge(`the flow has more than ${maxNodes} steps`);
    const level = (this.nodes[region]?.level ?? -1) + 1;
    if (level > maxLevels) throw new GraphTooLarge(`the flow has more than ${maxLevels} subflows within each other`);
    return this.nodes.push({ region, level, fields, from: new Set(), to: new Set() }) - 1;
  }

  /** Adds what is known only after the nodes within. */
  complete(index: number, fields: Partial<NodeFields>): void {
    const node = this.node(index);
    node.fields = { ...node.fields, ...fields } as NodeFields;
  }

  /** Lets a node merge its input; false if its kind cannot. */
  merge(index: number): boolean {
    if (!['task', 'approval', 'flow'].includes(this.node(index).fields.kind)) return false;
    this.complete(index, { merge: true });
    return true;
  }

  /** False if the edge exists already. */
  connect(from: number, to: number): boolean {
    const { to: followers } = this.node(from);
    if (followers.has(to)) return false;
    followers.add(to);
    this.node(to).from.add(from);
    return true;
  }

  finish(): readonly TaskNode[] {
    const ascending = (indexes: Set<number>) => [...indexes].sort((one, other) => one - other);
    return this.nodes.map(
      ({ region, fields, from, to }, index) =>
        ({ index, region, from: ascending(from), to: ascending(to), ...fields }) as TaskNode,
    );
  }

  private node(index: number): DraftNode {
    const node = this.nodes[index];
    if (node === undefined) throw new RangeError(`no node ${index}`);
    return node;
  }
}
