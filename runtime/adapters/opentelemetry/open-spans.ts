import type { Attributes, Tracer } from '@opentelemetry/api';
import { pause } from '../../async/pause';
import { cutText, maxLogged } from '../../engine/failures';
import { packageVersion } from '../../package-root';
import { type ExporterSettings, readExporterSettings } from './exporter-settings';

export interface OpenSpans {
  readonly tracer: Tracer;
  /** Exports what is recorded, within this time. */
  close(withinMs: number): Promise<void>;
}

export interface SpansProps {
  /** Attributes of the resource. OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win. */
  readonly about: Attributes;
  readonly env: NodeJS.ProcessEnv;
  /** Told what keeps spans from being exported. */
  readonly warn: (text: string) => void;
}

/** Spans that wait for their export; more are dropped. OTEL_BSP_MAX_QUEUE_SIZE replaces it. */
const maxQueueSize = 16_384;
const tellEveryMs = 30_000;

/**
 * Exports spans to an OTLP endpoint, if OpenTelemetry's variables name one; else undefined. Only then, the SDK is loaded. An
 * endpoint that is away delays nothing: spans are dropped, which is told at most every 30 s.
 */
export async function openSpans({ about, env, warn }: SpansProps): Promise<OpenSpans | undefined> {
  const settings = readExporterSettings(env);
  if (settings === undefined) return undefined;
  if ('fault' in settings) {
    warn(`${settings.fault}; no spans are exported`);
    return undefined;
  }
  const { diag, DiagLogLevel } = await import('@opentelemetry/api');
  const { BasicTracerProvider, BatchSpanProcessor } = await import('@opentelemetry/sdk-trace-base');
  const { envDetector, detectResources, resourceFromAttributes } = await import('@opentelemetry/resources');
  const tell = seldom((text) => warn(`spans: ${text}`));
  const silent = () => undefined;
  const logger = { error: tell, warn: tell, info: silent, debug: silent, verbose: silent };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const own = resourceFromAttributes({ ...about, 'kflow.version': packageVersion });
  const resource = own.merge(detectResources({ detectors: [envDetector] }));
  const queue = env.OTEL_BSP_MAX_QUEUE_SIZE === undefined ? { maxQueueSize } : {};
  const processor = new BatchSpanProcessor(await exporterOf(settings), queue);
  const provider = new BasicTracerProvider({ resource, spanProcessors: [processor] });
  return {
    tracer: provider.getTracer('kflow', packageVersion),
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
