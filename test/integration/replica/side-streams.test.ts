import type { FlowPlan } from '../../../lib/plan/flow-plan';
import { AvroSchemaCodec } from '../../../runtime/engine/avro-message';
import type { ErrorReport } from '../../../runtime/engine/side-stream/error-report';
import { numbered } from '../../support/host-run';
import { waitFor } from '../../support/wait-for';
import { planOf } from '../../unit/plan/planned';
import { JetStreamPlace } from '../jetstream/jetstream-place';
import { numbersIn, sorted, startReplica } from './replica-run';

let place: JetStreamPlace;
let other: JetStreamPlace;

beforeAll(async () => {
  place = await JetStreamPlace.start();
  other = await JetStreamPlace.start();
});
afterAll(async () => {
  await place.close();
  await other.close();
});

/** Fails a 2 once, acks a 3 with an exception, and lets others pass. */
const code = {
  python: `tried = set()
class Done(AckException):
    pass
def run(ctx, event):
    if event["n"] == 2 and 2 not in tried:
        tried.add(2)
        raise ValueError("not two")
    if event["n"] == 3:
        raise Done("enough")
    return event
`,
  javascript: `const tried = new Set();
class Done extends AckException {}
function run(ctx, event) {
  if (event.n === 2 && !tried.has(2)) {
    tried.add(2);
    throw new RangeError('not two');
  }
  if (event.n === 3) throw new Done('enough');
  return event;
}`,
};

async function planPass(
  jobId: string,
  language: keyof typeof code,
  sideStream: { readonly addr?: string; readonly errorTopics: string },
): Promise<FlowPlan> {
  const meta = { name: 'run', language, code: code[language] };
  const globalConfig = { sideStream: { enabled: true, addr: place.url, ...sideStream } };
  const dag = [
    {
      id: 'source',
      type: 'raw-source',
      schema: numbered,
      out: ['pass'],
      meta: { name: 'run', code: 'def run():\n    for n in range(6):\n        yield {"n": n}' },
    },
    { id: 'pass', type: 'raw', schema: numbered, out: ['leaf'], globalConfig, meta },
    { id: 'leaf', type: 'raw', meta: { name: 'run', language: 'javascript', code: 'function run() {}' } },
  ];
  const plan = planOf(JSON.stringify({ jobId, mode: 'batch', dag }));
  await place.streams.provision(plan);
  const source = startReplica(place, plan, 'source');
  await waitFor('the source has ended', async () => (await place.streams.endedFunctions(plan)).includes('source'));
  await source.stop();
  return plan;
}

async function reportsIn({ payloads }: { payloads(stream: string): Promise<Uint8Array[]> }, stream: string) {
  return (await payloads(stream)).map((payload) => JSON.parse(Buffer.from(payload).toString()) as ErrorReport);
}

const watched = { KFLOW_WATCHED: 'true' };
const passed = [0, 1, 2, 4, 5];
const codec = new AvroSchemaCodec(numbered);

describe.each([
  ['python', 'ValueError'],
  ['javascript', 'RangeError'],
] as const)('the errors of a function in %s', (language, type) => {
  test('are on every topic, at a nats of their own, in streams that are created for them', async () => {
    const errorTopics = `${language}-errors.all, ${language}-more.map`;
    const plan = await planPass(`other-${language}`, language, { addr: other.url, errorTopics });
    const env = { ...watched, KFLOW_CREATE_SIDESTREAM: 'true' };
    expect(await startReplica(place, plan, 'pass', { env }).ended).toEqual({ is: 'done' });
    expect(sorted(await numbersIn(place, `kflow_default_${plan.jobId}_pass`))).toEqual(passed);
    for (const stream of [`${language}-errors`, `${language}-more`]) {
      const reports = await reportsIn({ payloads: (name) => other.payloads(name) }, stream);
      expect(reports).toHaveLength(2);
      const [transient, acked] = reports.sort((one) => (one.error.includes('not two') ? -1 : 1));
      expect(transient?.error.split('\n').at(-2)).toBe(`${type}: not two`);
      expect(transient?.payload).toBe(Buffer.from(codec.encode({ n: 2 }) ?? '').toString('base64'));
      expect(acked?.error.split('\n').at(-2)).toBe('Done: enough');
      expect(acked).toMatchObject({ payload: '{"n":3}', flowId: `default/${plan.jobId}`, functionId: 'pass' });
    }
  });
});

test('errors are in a stream of the flow’s own nats that exists, and a missing one is told', async () => {
  await place.manager.streams.add({ name: 'own-errors', subjects: ['own-errors.>'] });
  const plan = await planPass('own', 'javascript', { errorTopics: 'own-errors.pass' });
  await startReplica(place, plan, 'pass', { env: watched }).ended;
  expect(await reportsIn({ payloads: (name) => place.payloads(name) }, 'own-errors')).toHaveLength(2);
  const { header } = await place.manager.streams.getMessage('own-errors', { seq: 1 });
  expect(header.get('traceparent')).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  const missing = await planPass('missing', 'javascript', { errorTopics: 'no-errors.pass' });
  const replica = startReplica(place, missing, 'pass', { env: watched });
  expect(await replica.ended).toEqual({ is: 'done' });
  expect(replica.logs.join('\n')).toContain(
    'no-errors.pass: no stream has the subject; create the stream no-errors, or set KFLOW_CREATE_SIDESTREAM',
  );
  expect(sorted(await numbersIn(place, 'kflow_default_missing_pass'))).toEqual(passed);
});

test.each([
  ['is away', 'nats://127.0.0.1:1'],
  ['is full', undefined],
])('a side stream that %s keeps no record from its output', async (what, addr) => {
  const jobId = what.replace(' ', '-');
  if (addr === undefined) {
    const limits = { max_msgs: 1, discard: 'new' as never };
    await place.manager.streams.add({ name: 'full-errors', subjects: ['full-errors.>'], ...limits });
    await place.connection.jetstream().publish('full-errors.first', 'x');
  }
  const plan = await planPass(jobId, 'javascript', {
    ...(addr === undefined ? {} : { addr }),
    errorTopics: 'full-errors.pass',
  });
  const replica = startReplica(place, plan, 'pass', { env: watched });
  expect(await replica.ended).toEqual({ is: 'done' });
  expect(sorted(await numbersIn(place, `kflow_default_${jobId}_pass`))).toEqual(passed);
  expect(replica.logs.join('\n')).toMatch(
    /error side stream full-errors\.pass: .* 2 were dropped: the replica has ended/,
  );
});
