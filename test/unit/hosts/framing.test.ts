import {
  FrameReader,
  fromProcessLimits,
  type OutcomeReceiver,
  readOutcomes,
} from '../../../runtime/hosts/framing/frames';
import { Lines } from '../../../runtime/hosts/framing/lines';

function frame(type: string, body: Uint8Array | string): Buffer {
  const bytes = Buffer.from(body);
  const head = Buffer.alloc(5);
  head.write(type, 'latin1');
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

function read(chunks: readonly Buffer[]): string[] {
  const frames: string[] = [];
  const reader = new FrameReader(fromProcessLimits, (type, body) => frames.push(`${type} ${body}`));
  for (const chunk of chunks) reader.push(chunk);
  return frames;
}

describe('frames', () => {
  const bytes = Buffer.concat([frame('L', '[1]'), frame('B', 'abcd'), frame('H', ''), frame('L', 'x'.repeat(70_000))]);

  it.each([1, 3, 5, 7, 4_096, bytes.length])('are read from chunks of %i bytes', (size) => {
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
      bytes.subarray(at * size, (at + 1) * size),
    );
    expect(read(chunks)).toEqual(['L [1]', 'B abcd', 'H ', `L ${'x'.repeat(70_000)}`]);
  });

  it.each([
    ['text', Buffer.from('hello, world\n'), 'no frame begins with "hello, world\\n"'],
    [
      'text that begins like a frame',
      Buffer.from('OK, done\n'),
      'a frame of 1261183076 bytes begins with "OK, done\\n"',
    ],
    ['a frame that is too long for its type', frame('B', 'abcde'), 'a frame of 5 bytes begins with'],
    ['zeros', Buffer.alloc(8), 'no frame begins with'],
  ])('are told from %s', (_, chunk, message) => {
    expect(() => read([frame('H', ''), chunk])).toThrow(message);
  });

  it.each([
    ['is cut off', Buffer.from('0000000103', 'hex')],
    ['is longer than its frame', Buffer.from('000000010300ffffffff', 'hex')],
    ['is of no kind', Buffer.from('0000000109', 'hex')],
  ])('with an outcome that %s are refused', (_, body) => {
    const none = () => undefined;
    const receiver: OutcomeReceiver = { output: none, done: none, failed: none, released: none, ackRequested: none };
    const reader = new FrameReader(fromProcessLimits, (_type, each) => readOutcomes(each, receiver));
    expect(() => reader.push(frame('O', body))).toThrow(expect.objectContaining({ name: 'ProtocolError' }));
  });

  it('do not hide the errors of those who receive them', () => {
    const reader = new FrameReader(fromProcessLimits, () => {
      throw new RangeError('elsewhere');
    });
    expect(() => reader.push(frame('H', ''))).toThrow(RangeError);
  });
});

describe('lines', () => {
  function entries(per: 'line' | 'write', chunks: readonly (string | Uint8Array)[]): string[] {
    const texts: string[] = [];
    const lines = new Lines((text) => texts.push(text), per);
    for (const chunk of chunks) lines.write(chunk);
    lines.end();
    return texts;
  }

  it.each([
    ['line', ['a\nb\n', 'c', 'd\n\n', 'e'], ['a', 'b', 'cd', '', 'e']],
    ['line', ['a\r\nb\r\n'], ['a', 'b']],
    ['write', ['a\nb\n', 'c', 'd\n', 'e'], ['a\nb', 'cd', 'e']],
    ['write', [Buffer.from('ä').subarray(0, 1), Buffer.from('ä').subarray(1), '\n'], ['ä']],
    ['write', ['\n'], ['']],
  ] as const)('are one entry for each %s', (per, chunks, expected) => {
    expect(entries(per, chunks)).toEqual(expected);
  });

  it.each(['line', 'write'] as const)('are cut into pieces of at most 16 Ki characters: %s', (per) => {
    const text = 'x'.repeat(100_000);
    for (const chunks of [[text], Array.from(text), [`${text}\n`]]) {
      const texts = entries(per, chunks);
      expect(texts.join('') === text).toBe(true);
      expect(Math.max(...texts.map(({ length }) => length))).toBe(16 * 1024);
    }
  });

  it('are not cut within a character', () => {
    const text = `x${'😀'.repeat(20_000)}`;
    const texts = entries('write', [text]);
    expect(texts.join('') === text).toBe(true);
    expect(texts.every((each) => each.isWellFormed())).toBe(true);
  });
});
