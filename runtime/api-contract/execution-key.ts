/** Identifies an execution: its id within a namespace. */
export interface ExecutionKey {
  readonly namespace: string;
  readonly execution: string;
}

/** `<namespace>/<execution>`: the execution's name in messages. */
export function executionName({ namespace, execution }: ExecutionKey): string {
  return `${namespace}/${execution}`;
}

/** What an id of an execution looks like: one token of a subject. */
export const executionIdRule = /^[A-Za-z0-9_](?:[\w:-]{0,126}[A-Za-z0-9_])?$/;
