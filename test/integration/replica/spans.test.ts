import { readLetters } from '../../../runtime/adapters/jetstream/letters/read-letters';
import { numbered } from '../../support/host-run';
import { OtlpReceiver } from '../../support/otlp-receiver';
import { waitFor } from '../../support/wait-for';
import { planOf, specOf } from '../../unit/plan/planned';
import { JetStreamPlace } from '../jetstream/jetstream-place';
import { startReplica } from './replica-run';

let place: JetStreamPlace;
let receiver: OtlpReceiver;
const before = { ...process.env };

beforeAll(async () => {
  place = await JetStreamPlace.start();
});
beforeEach(async () => {
  receiver = await OtlpReceiver.start();
});
afterEach(async () => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  await receiver.close();
});
afterAll(() => place.close());

/** Logs the trace of each record, fails with a 2, and passes others on. */
const code = {
  python: `def run(ctx, event):
    print("trace", event["n"], ctx.trace_parent)
    if event["n"] == 2:
        raise ValueError("not two")
    return event
`,
  javascript: `function run(ctx, event) {
  console.log('trace', event.n, ctx.traceParent);
  if (event.n === 2) throw new RangeError('not two');
  return event;
}`,
};

/** The plan of a source of the numbers 0 to 3, `pass` and `leaf`, with their streams. */
async function plan(jobId: string, language: keyof typeof code) {
  const script = (text: string) => ({ name: 'run', language: 'javascript', code: text });
  const numbers = 'function* run() { for (let n = 0; n < 4; n++) yield { n }; }';
  const dag = [
    { id: 'source', type: 'raw-source', schema: numbered, out: ['pass'], meta: script(numbers) },
    {
      id: 'pass',
      type: 'raw',
      schema: numbered,
      out: ['leaf'],
      meta: { name: 'run', language, code: code[language], maxDeliver: 2 },
    },
    { id: 'leaf', type: 'raw', meta: script('function run() {}') },
  ];
  const planned = planOf(JSON.stringify({ jobId, mode: 'batch', dag }));
  await place.streams.provision(planned);
  return planned;
}

/** Runs the flow to its end; returns what `pass` has logged. */
async function runFlow(planned: Awaited<ReturnType<typeof plan>>, env: NodeJS.ProcessEnv): Promise<string[]> {
  Object.assign(process.env, env); // the SDK reads it
  const logs: string[] = [];
  for (const id of ['source', 'pass', 'leaf']) {
    const replica = startReplica(place, planned, id, { env: { ...env, KFLOW_WATCHED: 'true' } });
    if (id === 'source') {
      // a source with code waits at its end until it is stopped
      await waitFor('its end', async () => (await place.streams.endedFunctions(planned)).includes(id));
      await replica.stop();
    }
    await replica.ended;
    if (id === 'pass') logs.push(...replica.logs);
  }
  return logs;
}

const json = () => ({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' });

describe.each(['python', 'javascript'] as const)('with code in %s', (language) => {
  test('each attempt is a span of its record, from the source to the end, and failures say why', async () => {
    const planned = await plan(`spans-${language}`, language);
    const logs = await runFlow(planned, json());
    const named = (name: string) => receiver.spans.filter((span) => span.name === name);
    const [sent, passed, left] = [named('send source'), named('process pass'), named('process leaf')];
    expect([sent.length, passed.length, left.length]).toEqual([4, 5, 3]);
    expect(new Set(sent.map(({ traceId }) => traceId)).size).toBe(4);
    expect(sent.filter(({ parentSpanId }) => parentSpanId !== '')).toEqual([]);
    for (const span of passed) {
      const parent = sent.find(({ traceId }) => traceId === span.traceId);
      expect(span.parentSpanId).toBe(parent?.spanId);
      expect(span.resource).toMatchObject({
        'service.name': `spans-${language}--pass`,
        'service.namespace': 'default',
        'service.instance.id': 'pass-0',
      });
    }
    for (const span of left) expect(passed.map(({ spanId }) => spanId)).toContain(span.parentSpanId);
    const failed = passed.filter(({ isError }) => isError);
    expect(failed.map(({ attributes }) => attributes['kflow.outcome'])).toEqual(['retried', 'dead letter']);
    expect(failed.map(({ exceptions }) => exceptions)).toEqual([['not two'], ['not two']]);
    const told = logs.flatMap((line) => /trace \d (\S+)/.exec(line)?.[1] ?? []);
    expect(told.sort()).toEqual(passed.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`).sort());
    const { deadLetters } = specOf(planned, 'pass');
    const letters: (string | undefined)[] = [];
    for await (const letter of readLetters(place.connection, { stream: deadLetters.stream, after: 0 })) {
      letters.push(letter.traceparent);
    }
    expect(letters).toEqual(failed.slice(-1).map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`));
  });
});

test('spans are exported as protobuf by default', async () => {
  const planned = await plan('spans-protobuf', 'javascript');
  const logs = await runFlow(planned, { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint });
  const [, traceId = ''] = /trace 0 00-(\w+)-/.exec(logs.join('\n')) ?? [];
  expect(traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(new Set(receiver.requests.map(({ type }) => type))).toEqual(new Set(['application/x-protobuf']));
  expect(receiver.requests.filter(({ body }) => body.includes(Buffer.from(traceId, 'hex'))).length).toBeGreaterThan(0);
});

test('what a sampler leaves out is not exported, and its trace goes on', async () => {
  const planned = await plan('spans-unsampled', 'javascript');
  const logs = await runFlow(planned, { ...json(), OTEL_TRACES_SAMPLER: 'parentbased_always_off' });
  expect(receiver.spans).toEqual([]);
  expect(logs.filter((line) => /trace 0 00-\w{32}-\w{16}-00$/.test(line))).toHaveLength(1);
});

test('an endpoint that is away loses no record, and the log says so', async () => {
  const env = { ...json(), OTEL_BSP_SCHEDULE_DELAY: '20', OTEL_EXPORTER_OTLP_TIMEOUT: '500' };
  await receiver.close();
  const planned = await plan('spans-away', 'javascript');
  const logs = await runFlow(planned, env);
  expect(logs.filter((line) => line.startsWith('INFO trace'))).toHaveLength(5);
  expect(logs).toContainEqual(expect.stringMatching(/^WARNING spans: /));
  receiver = await OtlpReceiver.start(); // closed after the test
});
