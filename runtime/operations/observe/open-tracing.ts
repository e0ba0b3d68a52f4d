import { hostname } from 'node:os';
import { openSpans } from '../../adapters/opentelemetry/open-spans';
import { writeLog } from './task-log';
import { useTracer } from './task-tracer';

const exportMs = 2_000;

/** From now on, spans of tasks are exported if OpenTelemetry's variables name an endpoint. Returns what exports the last of them. */
export async function openTracing(env: NodeJS.ProcessEnv): Promise<{ close(): Promise<void> } | undefined> {
  const about = { 'service.name': 'kflow-operations', 'service.instance.id': hostname() };
  const spans = await openSpans({ about, env, warn: (text) => writeLog('WARNING', text) });
  if (spans === undefined) return undefined;
  const { TaskSpanRecorder } = await import('../../adapters/opentelemetry/task-span-recorder.js');
  useTracer(new TaskSpanRecorder(spans.tracer));
  return { close: () => spans.close(exportMs) };
}
