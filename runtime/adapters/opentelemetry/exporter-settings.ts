/** Where and how spans are exported. */
export interface ExporterSettings {
  readonly protocol: 'http/protobuf' | 'http/json';
}

/** Why no spans are exported although there is an endpoint. */
interface ExporterFault {
  readonly fault: string;
}

/**
 * The protocol of the exporter by OpenTelemetry's variables, which its SDK reads too; undefined without an endpoint, or if
 * traces are switched off.
 */
export function readExporterSettings(env: NodeJS.ProcessEnv): ExporterSettings | ExporterFault | undefined {
  const { OTEL_SDK_DISABLED: disabled, OTEL_TRACES_EXPORTER: exporter = '' } = env;
  const endpoint = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT || '';
  if (endpoint === '' || disabled?.toLowerCase() === 'true' || exporter === 'none') return undefined;
  const protocol = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || env.OTEL_EXPORTER_OTLP_PROTOCOL || 'http/protobuf';
  if (protocol === 'http/protobuf' || protocol === 'http/json') return { protocol };
  const todo = 'use http/protobuf, at the port 4318 of most collectors, or http/json';
  return { fault: `OTEL_EXPORTER_OTLP_PROTOCOL: ${protocol} is not supported; ${todo}` };
}
