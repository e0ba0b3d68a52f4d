import type { FunctionSpec } from '../../../lib/plan/function-spec';
import type { Log } from '../../engine/ports/host';
import type { RecordTracer } from '../../engine/ports/record-tracer';
import { type OpenSpans, openSpans } from './open-spans';

interface OpenTracer extends RecordTracer, Pick<OpenSpans, 'close'> {}

interface TracerProps {
  readonly spec: Pick<FunctionSpec, 'namespace' | 'jobId' | 'function'>;
  /** Name of the replica. */
  readonly replica: string;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Log;
}

/** Records spans of records and exports them, if OpenTelemetry's variables name an endpoint. */
export async function openTracer({ spec, replica, env, log }: TracerProps): Promise<OpenTracer | undefined> {
  const { namespace, jobId, function: functionId } = spec;
  const about = {
    'service.name': `${jobId}--${functionId}`,
    'service.namespace': namespace,
    'service.instance.id': replica,
    'kflow.flow': `${namespace}/${jobId}`,
    'kflow.function': functionId,
  };
  const spans = await openSpans({ about, env, warn: (text) => log('WARNING', text) });
  if (spans === undefined) return undefined;
  const { SpanRecorder } = await import('./span-recorder.js');
  const recorder = new SpanRecorder(spans.tracer, functionId);
  return {
    process: (record) => recorder.process(record),
    emit: (record) => recorder.emit(record),
    close: (withinMs) => spans.close(withinMs),
  };
}
