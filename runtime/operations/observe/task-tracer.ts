import { newTrace, traceparentOf } from '../../engine/trace/trace-context';
import type { Fields } from '../messages/message';
import type { Result } from '../messages/result';

/** The key of `metadata` with the W3C trace context under which a task runs. */
export const traceparentKey = 'traceparent';

/** The span of one run. */
export interface TaskSpan {
  /** For what the run causes. */
  readonly traceparent: string;
  /** `tags` are those of `tagsOf`; `failure` is the text of a run that failed. */
  end(tags: { readonly [tag: string]: string | number | boolean }, failure?: string): void;
}

export interface TaskTracer {
  /** Begins a span, of a trace of its own without a parent. */
  start(path: string, parent: string | undefined): TaskSpan;
}

/** Records nothing; a trace is passed on, or begins. */
const noSpans: TaskTracer = {
  start: (_, parent) => ({ traceparent: parent ?? newTrace().traceparent, end: () => undefined }),
};

let tracer = noSpans;

/** From now on, the spans of all tasks of this process are recorded here. */
export function useTracer(recorder: TaskTracer): void {
  tracer = recorder;
}

export function startSpan(path: string, metadata: Fields): TaskSpan {
  const { [traceparentKey]: parent } = metadata;
  return tracer.start(path, typeof parent === 'string' ? traceparentOf(parent) : undefined);
}

const secretKey = /passw|token|secret|credential|api.?key|private.?key/i;
const maxTag = 1_000;

/** `uuid`, `entrypoint` and `result.…`, one tag a value. A key that looks like that of a secret has none, nor what is below. */
export function tagsOf(path: string, uuid: string, result: Result): { [tag: string]: string | number | boolean } {
  return { uuid, entrypoint: path, ...Object.fromEntries(flatten('result', result.toJSON())) };
}

function flatten(name: string, value: unknown): readonly (readonly [string, string | number | boolean])[] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value.flatMap((each, at) => flatten(`${name}.${at}`, each));
  if (typeof value === 'object') {
    return Object.entries(value).flatMap(([key, each]) => (secretKey.test(key) ? [] : flatten(`${name}.${key}`, each)));
  }
  if (typeof value === 'number' || typeof value === 'boolean') return [[name, value]];
  return [[name, String(value).slice(0, maxTag)]];
}
