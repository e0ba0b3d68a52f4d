import { decodeLetter, encodeLetter, type LetterFacts } from '../../../../runtime/engine/letters/letter-headers';
import { noHistory } from '../../../../runtime/engine/letters/letter-history';

const facts: LetterFacts = {
  function: 'map',
  stream: 'kflow_default_job_in',
  sequence: 7,
  storedAt: '2026-01-31T08:00:00.000Z',
  writer: 'map@2',
  deliveries: 5,
  failedAt: '2026-01-31T08:01:00.000Z',
  reason: 'exception',
  errorType: 'ValueError',
  error: 'no way, é',
  place: 'run (code.py:4)',
  trace: 'Traceback (most recent call last):\n  File "code.py", line 4, in run\nValueError: no way, é',
  replica: 'map-0',
  stored: '0-2,5',
  history: noHistory,
  redrive: 'r1',
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
};

function read(headers: { readonly [name: string]: string }): LetterFacts {
  return decodeLetter((name) => headers[name] ?? '');
}

test('a letter is read as it was written, and its headers are printable', () => {
  const headers = encodeLetter(facts);
  expect(Object.values(headers).join('')).toMatch(/^[ -~]+$/);
  expect(read(headers)).toEqual(facts);
});

test('the headers of a letter fit into the room of a message, whatever user code raises', () => {
  const attempts = Array.from({ length: 40 }, (_, index) => ({
    number: index,
    at: facts.failedAt,
    replica: 'r'.repeat(60),
    reason: 'exception',
    type: 'E'.repeat(200),
    message: `${index} ${'ü'.repeat(400)}`,
  }));
  const headers = encodeLetter({
    ...facts,
    errorType: 'ü'.repeat(1_000),
    error: '😀'.repeat(5_000),
    trace: 'é\n'.repeat(8_000),
    place: 'p'.repeat(900),
    stored: Array.from({ length: 500 }, (_, index) => 2 * index).join(','),
    history: { attempts, redrives: [] },
  });
  const size = Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0);
  expect(size).toBeLessThan(8 * 1024);
  expect(read(headers).stored).toMatch(/^0,2,4,.*\d$/);
});

test('of a long traceback, the end stays: it says where the error was raised', () => {
  const trace = `Traceback\n${'  a frame of a library\n'.repeat(400)}ValueError: at the end`;
  const kept = read(encodeLetter({ ...facts, trace })).trace ?? '';
  expect(kept.length).toBeLessThan(trace.length);
  expect(kept).toMatch(/^Traceback[\s\S]*…[\s\S]*ValueError: at the end$/);
});

test('a letter of an earlier version has the writer of its message id', () => {
  const headers = {
    'Nats-Msg-Id': 'dead:map@3:kflow_default_job_in:7',
    'Kflow-Function': 'map',
    'Kflow-Origin-Stream': 'kflow_default_job_in',
    'Kflow-Origin-Sequence': '7',
    'Kflow-Deliveries': '5',
    'Kflow-Failed-At': facts.failedAt,
    'Kflow-Reason': 'exception',
    'Kflow-Error-Type': 'ValueError',
    'Kflow-Error': 'cut within %C3',
  };
  expect(read(headers)).toEqual({
    function: 'map',
    stream: 'kflow_default_job_in',
    sequence: 7,
    storedAt: '',
    writer: 'map@3',
    deliveries: 5,
    failedAt: facts.failedAt,
    reason: 'exception',
    errorType: 'ValueError',
    error: expect.stringContaining('cut within'),
    replica: '',
    stored: '',
    history: noHistory,
  });
});
