import { AvroSchemaCodec } from '../../../../runtime/engine/avro-message';
import { HeldRecord } from '../../../../runtime/engine/held-records';
import type { Failure } from '../../../../runtime/engine/ports/host';
import type { ErrorReport } from '../../../../runtime/engine/side-stream/error-report';
import {
  type ErrorMessage,
  type ErrorPublisher,
  ErrorStream,
} from '../../../../runtime/engine/side-stream/error-stream';
import { numbered } from '../../../support/host-run';
import { waitFor } from '../../../support/wait-for';
import { mapSpec } from '../../plan/planned';

const codec = new AvroSchemaCodec(numbered);
const thrown: Failure = { type: 'ValueError', message: 'not two', trace: 'Traceback\n  line 2\nValueError: not two\n' };

function recordOf(sequence: number, n = sequence): HeldRecord {
  const answer = () => undefined;
  const payload = codec.encode({ n }) ?? Buffer.of();
  return new HeldRecord(sequence, 0, {
    stream: 'in',
    sequence,
    deliveries: 1,
    timestampMs: 5,
    payload,
    handle: '',
    ack: answer,
    nak: answer,
    working: answer,
  });
}

/** A server of side streams that the test can take away. */
class Errors implements ErrorPublisher {
  readonly sent: {
    readonly subject: string;
    readonly id: string;
    readonly report: ErrorReport;
    readonly trace: ErrorMessage['trace'];
  }[] = [];
  readonly logs: string[] = [];
  readonly counts = { sent: 0, dropped: 0 };
  trouble: string | undefined;
  limit = 1_000_000;
  /** Publishes that have begun. */
  attempts = 0;
  readonly stream = new ErrorStream({
    spec: mapSpec(),
    topics: ['errors.one', 'errors.two'],
    podName: 'pod-1',
    publisher: this,
    schemas: { schemaOf: async () => numbered },
    counts: this.counts,
    log: (level, text) => this.logs.push(`${level} ${text}`),
  });

  maxPayload(): number {
    return this.limit;
  }

  async publish(subject: string, { id, payload, trace }: ErrorMessage): Promise<void> {
    this.attempts++;
    if (this.trouble !== undefined) throw new Error(this.trouble);
    this.sent.push({ subject, id, trace, report: JSON.parse(Buffer.from(payload).toString()) });
  }
}

let errors: Errors;
beforeEach(() => {
  errors = new Errors();
});
afterEach(() => errors.stream.close(0));

const sent = (count: number) => waitFor(`${count} errors are sent`, () => errors.counts.sent === count);

test('each failed attempt is reported on every topic, with the record as it came', async () => {
  errors.stream.report(recordOf(7), thrown);
  await sent(1);
  expect(errors.sent.map(({ subject }) => subject)).toEqual(['errors.one', 'errors.two']);
  const { report } = errors.sent[0] ?? {};
  expect(report).toEqual({
    error: 'Traceback\n  line 2\nValueError: not two\n',
    payload: Buffer.from(codec.encode({ n: 7 }) ?? '').toString('base64'),
    podName: 'pod-1',
    flowId: 'default/job',
    functionId: 'map',
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
  });
});

test('a report keeps the trace of its record', async () => {
  const record = recordOf(7);
  errors.stream.report(record, thrown);
  await sent(1);
  expect(errors.sent.map(({ trace }) => trace)).toEqual([record.trace, record.trace]);
});

test('with the record as JSON, if the exception says so', async () => {
  errors.stream.report(recordOf(7), { ...thrown, ack: true, payloadAsJson: true });
  await sent(1);
  expect(errors.sent[0]?.report.payload).toBe('{"n":7}');
});

test.each<readonly [string, Failure, string]>([
  ['a traceback of Python', thrown, 'ValueError: not two'],
  ['a class of a module', { type: 'Late', message: 'x', trace: 'Traceback\nkflow_function.Late: x' }, 'Late: x'],
  [
    'a stack of JavaScript',
    { type: 'RangeError', message: 'far', trace: 'RangeError: far\n    at run' },
    'RangeError: far',
  ],
  ['several lines', { type: 'Error', message: 'one\ntwo: three' }, 'Error: one two: three'],
  ['no trace', { type: 'crashed', message: 'Python was killed' }, 'crashed: Python was killed'],
])('the last line but one is the class and the message: %s', async (_, failure, line) => {
  errors.stream.report(recordOf(1), failure);
  await sent(1);
  const lines = errors.sent[0]?.report.error.split('\n') ?? [];
  expect(lines.slice(-2)).toEqual([line, '']);
  expect(lines.filter((each) => each === line)).toHaveLength(failure.type === 'RangeError' ? 2 : 1);
});

test('a record that the server does not take is left out of its report', async () => {
  errors.limit = 1_500;
  const large = recordOf(1);
  large.payload = Buffer.alloc(10_000);
  errors.stream.report(large, thrown);
  await sent(1);
  expect(errors.sent[0]?.report).toMatchObject({ payload: '', error: expect.stringContaining('ValueError: not two') });
});

test('errors wait while the server is away, and each is sent once with the same id', async () => {
  errors.trouble = 'away';
  for (const sequence of [1, 2, 3]) errors.stream.report(recordOf(sequence), thrown);
  await waitFor('an attempt', () => errors.logs.length > 0);
  expect(errors.logs).toEqual(['WARNING error side stream errors.one, errors.two: 3 errors wait: away']);
  errors.trouble = undefined;
  await sent(3);
  const ids = errors.sent.map(({ id }) => id);
  expect(new Set(ids).size).toBe(6);
  expect(ids).toContain('error:map:in:1:1:5:errors.one');
  expect(errors.counts.dropped).toBe(0);
});

test('more errors than can wait are dropped and counted, and the log says so in a few lines', async () => {
  errors.trouble = 'away';
  for (let sequence = 1; sequence <= 5_000; sequence++) errors.stream.report(recordOf(sequence), thrown);
  expect(errors.counts).toEqual({ sent: 0, dropped: 4_000 });
  await waitFor('an attempt', () => errors.attempts > 0);
  expect(errors.logs.length).toBeLessThan(3);
  errors.trouble = undefined;
  await sent(1_000);
});

test('what waits when the replica ends is told', async () => {
  errors.trouble = 'away';
  errors.stream.report(recordOf(1), thrown);
  await errors.stream.close(0);
  expect(errors.counts).toEqual({ sent: 0, dropped: 1 });
  expect(errors.logs.at(-1)).toContain('1 were dropped: the replica has ended');
});
