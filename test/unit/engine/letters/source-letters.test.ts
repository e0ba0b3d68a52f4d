import { StoreError } from '../../../../lib/errors';
import { decodeLetter } from '../../../../runtime/engine/letters/letter-headers';
import { SourceLetters } from '../../../../runtime/engine/letters/source-letters';
import { ManualPublisher } from '../../../support/engine-ports';
import { mapSpec } from '../../plan/planned';

const spec = mapSpec();
const failure = { type: 'RecordError', message: 'n: expected long, got str "two"' };

const trace = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' };

function open() {
  const publisher = new ManualPublisher();
  const logs: string[] = [];
  const letters = new SourceLetters(spec, {
    publisher,
    replica: 'source-0',
    log: (level, text) => logs.push(`${level} ${text}`),
  });
  return { publisher, logs, letters };
}

test('a letter has the record as JSON, why it does not fit, and no origin', () => {
  const { publisher, letters } = open();
  letters.put({ id: 'source:1:0:7', text: '{"n":"two"}', trace }, failure, () => undefined);
  const [{ subject, id, payload, headers = {} } = { subject: '', id: '', payload: Buffer.of() }] = publisher.sent;
  expect([subject, id, Buffer.from(payload).toString()]).toEqual([
    spec.deadLetters.subject,
    'dead:source:1:0:7',
    '{"n":"two"}',
  ]);
  expect(decodeLetter((name) => (headers as Record<string, string>)[name] ?? '')).toMatchObject({
    function: spec.function,
    stream: '',
    sequence: 0,
    reason: 'exception',
    errorType: 'RecordError',
    error: failure.message,
    replica: 'source-0',
    ...trace,
  });
});

test('settles when the letter is stored, with the error of the stream if it is not', () => {
  const { publisher, letters } = open();
  const outcomes: unknown[] = [];
  for (const id of ['a', 'b']) letters.put({ id, text: '{}', trace }, failure, (error) => outcomes.push(error));
  const refusal = new StoreError('stream-failed', 'full');
  publisher.store(0);
  publisher.refuse(1, refusal);
  expect(outcomes).toEqual([undefined, refusal]);
});

test('the log has the first letter at once, and not a line for each', () => {
  const { logs, letters } = open();
  for (let n = 0; n < 100; n++) letters.put({ id: String(n), text: '{}', trace }, failure, () => undefined);
  expect(logs).toEqual(['ERROR a record is a dead letter: RecordError: n: expected long, got str "two"']);
});
