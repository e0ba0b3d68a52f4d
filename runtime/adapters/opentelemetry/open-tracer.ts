import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { pause } from '../../async/pause';
import { cutText, maxLogged } from '../../engine/failures';
import type { Log } from '../../engine/ports/host';
import type { RecordTracer } from '../../engine/ports/record-tracer';
import { packageVersion } from '../../package-root';
import { type ExporterSettings, readExporterSettings } from './exporter-settings';

interface OpenTracer extends RecordTracer {
  /** Exports what is recorded, within this time. */
  close(withinMs: number): Promise<void>;
}

interface TracerProps {
  readonly spec: Pick<FunctionSpec, 'namespace' | 'jobId' | 'function'>;
  /** Name of the replica. */
  readonly replica: string;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Log;
}

/** Spans that wait for their export; more are dropped. OTEL_BSP_MAX_QUEUE_SIZE replaces it. */
const maxQueueSize = 16_384;
const tellEveryMs = 30_000;

/**
 * Records spans and exports them to an OTLP endpoint, if OpenTelemetry's variables name one. Only then, the SDK is loaded. An
 * endpoint that is away delays and loses no record: spans are dropped, which the log tells at most every 30 s.
 */
export async function openTracer({ spec, replica, env, log }: TracerProps): Promise<OpenTracer | undefined> {
  const settings = readExporterSettings(env);
  if (settings === undefined) return undefined;
  if ('fault' in settings) {
    log('WARNING', `${settings.fault}; no spans are exported`);
    return undefined;
  }
  const { diag, DiagLogLevel } = await import('@opentelemetry/api');
  const { BasicTracerProvider, BatchSpanProcessor } = await import('@opentelemetry/sdk-trace-base');
  const { envDetector, detectResources, resourceFromAttributes } = await import('@opentelemetry/resources');
  const { SpanRecorder } = await import('./span-recorder.js');
  const tell = seldom((text) => log('WARNING', `spans: ${text}`));
  const silent = () => undefined;
  const logger = { error: tell, warn: tell, info: silent, debug: silent, verbose: silent };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const { namespace, jobId, function: functionId } = spec;
  const resource = resourceFromAttributes({
    'service.name': `${jobId}--${functionId}`,
    'service.namespace': namespace,
    'service.instance.id': replica,
    'kflow.version': packageVersion,
    'kflow.flow': `${namespace}/${jobId}`,
    'kflow.function': functionId,
  }).merge(detectResources({ detectors: [envDetector] })); // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win
  const queue = env.OTEL_BSP_MAX_QUEUE_SIZE === undefined ? { maxQueueSize } : {};
  const processor = new BatchSpanProcessor(await exporterOf(settings), queue);
  const provider = new BasicTracerProvider({ resource, spanProcessors: [processor] });
  const recorder = new SpanRecorder(provider.getTracer('kflow', packageVersion), functionId);
  return {
    process: (record) => recorder.process(record),
    emit: (record) => recorder.emit(record),
    close: async (withinMs) => {
      const limit = new AbortController();
      const closed = provider.shutdown().catch(tell);
      await Promise.race([closed, pause(withinMs, limit.signal)]);
      limit.abort();
    },
  };
}

async function exporterOf({ protocol }: ExporterSettings) {
  const { OTLPTraceExporter } =
    protocol === 'http/json'
      ? await import('@opentelemetry/exporter-trace-otlp-http')
      : await import('@opentelemetry/exporter-trace-otlp-proto');
  return new OTLPTraceExporter();
}

/** Tells what the SDK says, at most every 30 s. */
function seldom(tell: (text: string) => void): (...parts: readonly unknown[]) => void {
  let toldAtMs = Number.NEGATIVE_INFINITY;
  return (...parts) => {
    const nowMs = performance.now();
    if (nowMs - toldAtMs < tellEveryMs) return;
    toldAtMs = nowMs;
    tell(cutText(parts.map(String).join(' ').replace(/\s+/g, ' '), maxLogged));
  };
}
