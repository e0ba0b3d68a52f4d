import { failure, open, stage } from '../../engine/loop-stage';
import { parentOf, TracerStage } from './tracer-stage';

const place = new TracerStage();
const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const parent = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', parentSpanId: '00f067aa0ba902b7' };

describe('the span of an attempt', () => {
  let tracer: Awaited<ReturnType<TracerStage['open']>>;
  beforeEach(async () => {
    tracer = await place.open(place.json);
    open({ tracer });
  });

  test('continues the trace of the record, and is the parent of its outputs and of what the function calls', async () => {
    await stage.begin(7, { traceparent });
    stage.output(stage.last);
    stage.publisher.store(0);
    stage.loop.done(stage.last);
    await tracer?.close(10_000);
    const [span] = place.receiver.spans;
    expect(place.receiver.spans).toHaveLength(1);
    expect(span).toMatchObject({
      ...parent,
      name: 'process count',
      isError: false,
      attributes: { 'messaging.message.id': 'in-0:7', 'kflow.attempt': '1', 'kflow.outcome': 'processed' },
      resource: {
        'service.name': 'words--count',
        'service.namespace': 'ns',
        'service.instance.id': 'count-0',
        'kflow.flow': 'ns/words',
      },
    });
    const own = parentOf(span);
    expect(stage.publisher.sent.map(({ headers }) => headers)).toEqual([{ traceparent: own }]);
    expect(stage.host.records.map(({ trace }) => trace)).toEqual([{ traceparent: own }]);
  });

  test('that fails has the error, and the dead letter of the last one is in its trace', async () => {
    await stage.begin(1, { traceparent });
    stage.loop.failed(stage.last, failure);
    await stage.begin(1, { traceparent, deliveries: 3 });
    stage.loop.failed(stage.last, failure);
    stage.publisher.store(0);
    await tracer?.close(10_000);
    expect(place.receiver.spans).toMatchObject(
      ['retried', 'dead letter'].map((outcome) => ({
        ...parent,
        isError: true,
        attributes: { 'kflow.outcome': outcome, 'error.type': 'ValueError' },
        exceptions: ['no'],
      })),
    );
    expect(stage.publisher.sent[0]?.headers?.traceparent).toBe(parentOf(place.receiver.spans.at(-1)));
  });

  test('ends as given back when the replica stops before the record does', async () => {
    await stage.begin(1, { traceparent });
    await stage.loop.stop(0);
    await tracer?.close(10_000);
    expect(place.receiver.spans).toMatchObject([{ ...parent, attributes: { 'kflow.outcome': 'given back' } }]);
  });
});
