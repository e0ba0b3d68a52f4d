import { PassThrough } from 'node:stream';
import { createLog } from '../../runtime/log';

const origin = { flow: 'default/sky', function: 'look', replica: 'look-0' };

/** The lines that are logged in this format. */
function linesOf(format: string, write: (log: ReturnType<typeof createLog>) => void, of: object = origin): string[] {
  const stream = new PassThrough({ encoding: 'utf8' });
  write(createLog({ KFLOW_LOG_FORMAT: format }, of, stream));
  return String(stream.read()).trimEnd().split('\n');
}

test('a line of JSON has the flow, the function, the replica and the record', () => {
  const [first, second] = linesOf('json', (log) => {
    log('WARNING', 'no moon', { record: 'in:7' });
    log('INFO', 'two\nlines');
  }).map((line) => JSON.parse(line));
  expect(first).toEqual({ level: 'WARNING', time: expect.any(String), ...origin, record: 'in:7', msg: 'no moon' });
  expect(second).toEqual({ level: 'INFO', time: expect.any(String), ...origin, msg: 'two\nlines' });
});

test.each([
  ['a replica of this machine', origin, 'default/sky look-0'],
  ['a pod, whose name says less', { ...origin, replica: 'sky-7d9' }, 'default/sky look sky-7d9'],
])('a line of text names %s', (_, of, shown) => {
  const [first, second] = linesOf(
    'text',
    (log) => {
      log('ERROR', 'no moon', { record: 'in:7' });
      log('INFO', 'started');
    },
    of,
  );
  expect(first?.replace(/^\[[-\d]+ [\d:.]+\] /, '')).toBe(`(${shown} in:7) ERROR: no moon`);
  expect(second?.replace(/^\[[-\d]+ [\d:.]+\] /, '')).toBe(`(${shown}) INFO: started`);
});

test('a line of text without an origin is the text', () => {
  expect(linesOf('text', (log) => log('INFO', 'listening'), {})[0]).toMatch(/\] INFO: listening$/);
});
