import type { TaskNode } from '../graph/task-graph';

/** The nodes of a cycle in the order of its edges; undefined if there is none. Without recursion, each node once. */
export function findCycle(nodes: readonly TaskNode[]): readonly TaskNode[] | undefined {
  const done = new Set<number>();
  for (const root of nodes) {
    const path: { readonly node: TaskNode; next: number }[] = done.has(root.index) ? [] : [{ node: root, next: 0 }];
    const open = new Map<number, number>([[root.index, 0]]);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const following = nodes[top.node.to[top.next] ?? -1];
      top.next += 1;
      if (following === undefined) {
        done.add(top.node.index);
        open.delete(top.node.index);
        path.pop();
      } else if (open.has(following.index)) return path.slice(open.get(following.index)).map(({ node }) => node);
      else if (!done.has(following.index)) {
        open.set(following.index, path.length);
        path.push({ node: following, next: 0 });
      }
    }
  }
  return undefined;
}
