import type { FunctionSpec } from '../../../lib/plan/function-spec';
import type { Failure } from '../ports/host';

/** What an error side stream gets of a failed attempt, as JSON. The names are the documents'. */
export interface ErrorReport {
  /** Traceback and message. The last line but one is `<class>: <message>`, and the last is empty. */
  readonly error: string;
  /** The record: its Avro message in base64, or the record as JSON. Empty if that is more than the server takes. */
  readonly payload: string;
  readonly podName: string;
  readonly flowId: string;
  readonly functionId: string;
  /** ISO 8601. */
  readonly timestamp: string;
}

export function errorReport(
  { namespace, jobId, function: functionId }: Pick<FunctionSpec, 'namespace' | 'jobId' | 'function'>,
  failure: Failure,
  rest: Pick<ErrorReport, 'payload' | 'podName' | 'timestamp'>,
): ErrorReport {
  return { error: errorText(failure), ...rest, flowId: `${namespace}/${jobId}`, functionId };
}

/** A traceback of Python names the module of the class, and a stack of JavaScript ends with a place: the last line is our own. */
function errorText({ type, message, trace = '' }: Failure): string {
  const last = `${type}: ${message.replace(/\s+/g, ' ').trim()}`;
  const lines = trace.trimEnd().split('\n');
  if (lines.at(-1) === last || lines.at(-1) === '') lines.pop();
  return `${[...lines, last].join('\n')}\n`;
}
