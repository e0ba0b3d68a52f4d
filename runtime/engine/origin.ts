import type { FunctionSpec } from '../../lib/plan/function-spec';

type Writer = Pick<FunctionSpec, 'function' | 'epoch'>;

/** The function as its outputs' ids begin: `<function>`, or `<function>@<epoch>` once it was told to read anew. */
export function writerIdOf(spec: Writer): string {
  return spec.epoch === undefined ? spec.function : `${spec.function}@${spec.epoch}`;
}

/**
 * Where a function's output comes from: `<writer>:<input stream>:<input sequence>`. With the output's index behind it,
 * it is the output's message id, the same however often the input is processed in one epoch.
 */
export function originOf(spec: Writer, message: { readonly stream: string; readonly sequence: number }): string {
  return `${writerIdOf(spec)}:${message.stream}:${message.sequence}`;
}
