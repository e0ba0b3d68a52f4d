/** Identifies a flow: its name within its namespace. */
export interface FlowKey {
  readonly namespace: string;
  readonly jobId: string;
}

/** `<namespace>/<jobId>`: the flow's name in messages, and the id of its workflow. */
export function flowName({ namespace, jobId }: FlowKey): string {
  return `${namespace}/${jobId}`;
}

/** The inverse of `flowName`; undefined for any other text. */
export function parseFlowName(name: string): FlowKey | undefined {
  const [namespace, jobId, more] = name.split('/');
  return namespace && jobId && more === undefined ? { namespace, jobId } : undefined;
}
