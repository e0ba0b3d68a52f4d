import { OtlpReceiver } from '../../../support/otlp-receiver';
import { parentOf, TracerStage } from './tracer-stage';

const place = new TracerStage();

test('is nothing without an endpoint, and says which protocol it cannot speak', async () => {
  expect(await place.open({})).toBeUndefined();
  expect(await place.open({ ...place.json, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })).toBeUndefined();
  expect(place.logs).toEqual([
    expect.stringMatching(/^WARNING OTEL_EXPORTER_OTLP_PROTOCOL: grpc is not supported; .*; no spans are exported$/),
  ]);
});

test('a record that begins a trace is a span without a parent', async () => {
  const tracer = await place.open(place.json);
  const span = tracer?.emit({ id: 'count:1:0:7', stream: 'out' });
  span?.end('stored');
  await tracer?.close(10_000);
  const [sent] = place.receiver.spans;
  expect(sent).toMatchObject({ name: 'send count', parentSpanId: '', attributes: { 'kflow.outcome': 'stored' } });
  expect(span?.trace).toEqual({ traceparent: parentOf(sent) });
});

test('spans are protobuf by default', async () => {
  const tracer = await place.open({ OTEL_EXPORTER_OTLP_ENDPOINT: place.receiver.endpoint });
  const span = tracer?.emit({ id: 'count:1:0:7', stream: 'out' });
  span?.end('stored');
  await tracer?.close(10_000);
  const traceId = Buffer.from(span?.trace.traceparent.split('-')[1] ?? '', 'hex');
  expect(place.receiver.requests.map(({ type, body }) => [type, body.includes(traceId)])).toEqual([
    ['application/x-protobuf', true],
  ]);
});

test('what a sampler leaves out is not exported, and its trace goes on', async () => {
  const tracer = await place.open({ ...place.json, OTEL_TRACES_SAMPLER: 'always_off' });
  const unsampled = tracer?.emit({ id: 'count:1:0:7', stream: 'out' });
  unsampled?.end('stored');
  await tracer?.close(10_000);
  expect(place.receiver.spans).toEqual([]);
  expect(unsampled?.trace.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
});

test('an endpoint that is away is told, and closing does not wait for it', async () => {
  const away = place.json;
  await place.receiver.close();
  const tracer = await place.open({ ...away, OTEL_EXPORTER_OTLP_TIMEOUT: '300' });
  tracer?.emit({ id: 'count:1:0:7', stream: 'out' }).end('stored');
  await tracer?.close(60_000);
  expect(place.logs).toEqual([expect.stringMatching(/^WARNING spans: /)]);
  place.receiver = await OtlpReceiver.start(); // closed after the test
});
