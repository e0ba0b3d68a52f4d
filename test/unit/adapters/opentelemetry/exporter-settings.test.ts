import { readExporterSettings } from '../../../../runtime/adapters/opentelemetry/exporter-settings';

const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

test.each([
  ['without an endpoint', {}],
  ['with an empty endpoint', { OTEL_EXPORTER_OTLP_ENDPOINT: '' }],
  ['when the SDK is disabled', { ...endpoint, OTEL_SDK_DISABLED: 'true' }],
  ['without an exporter of traces', { ...endpoint, OTEL_TRACES_EXPORTER: 'none' }],
])('exports no spans %s', (_, env) => expect(readExporterSettings(env)).toBeUndefined());

test.each([
  ['an endpoint', endpoint, 'http/protobuf'],
  ['an endpoint of traces', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c:4318/v1/traces' }, 'http/protobuf'],
  ['a protocol', { ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }, 'http/json'],
  [
    'a protocol of traces, which wins',
    { ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json' },
    'http/json',
  ],
])('exports spans with %s', (_, env, protocol) => expect(readExporterSettings(env)).toEqual({ protocol }));

test('says which protocol it does not support', () => {
  expect(readExporterSettings({ ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })).toEqual({
    fault:
      'OTEL_EXPORTER_OTLP_PROTOCOL: grpc is not supported; use http/protobuf, at the port 4318 of most collectors, or http/json',
  });
});
