import { parseLine } from '../../../runtime/testing/parse-line';

test.each([
  ['crash', { kind: 'crash', moment: 'ack' }],
  ['crash at start', { kind: 'crash', moment: 'start' }],
  ['crash total', { kind: 'crash', function: 'total', moment: 'ack' }],
  ['crash total at output', { kind: 'crash', function: 'total', moment: 'output' }],
  ['pause', { kind: 'pause', moment: 'ack' }],
  ['pause total', { kind: 'pause', function: 'total', moment: 'ack' }],
  ['crash at noon', { fault: 'crash at start, output or ack, not "noon"' }],
  ['pause at start', { fault: 'a pause has no moment: records in process are finished; write "pause"' }],
  ['stop', { fault: 'must be a record, "crash" or "pause", got "stop"' }],
])('reads the line %s', (text, expected) => {
  expect(parseLine(text)).toEqual(expected);
});
