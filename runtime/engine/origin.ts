import type { FunctionSpec } from '../../lib/plan/function-spec';

/**
 * Where a function's output comes from: `<function>:<input stream>:<input sequence>`. With the output's index behind it,
 * it is the output's message id, the same however often the input is processed.
 */
export function originOf(
  spec: Pick<FunctionSpec, 'function'>,
  message: { readonly stream: string; readonly sequence: number },
): string {
  return `${spec.function}:${message.stream}:${message.sequence}`;
}
