import { appendFileSync, closeSync, mkdtempSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ReplicaLog, readLog } from '../../../../runtime/adapters/processes/replica-log';

const folder = mkdtempSync(path.join(tmpdir(), 'kflow-log-'));
afterAll(() => rmSync(folder, { recursive: true }));

let count = 0;
const newLog = () => new ReplicaLog(path.join(folder, `${++count}.log`));

/** A log of one run that has printed a text. */
function printed(text: string): ReplicaLog {
  const log = newLog();
  const output = log.open();
  writeSync(output, text);
  closeSync(output);
  return log;
}

async function linesOf(log: ReplicaLog, tailLines?: number): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of readLog(log.file, {
    isOpen: () => false,
    ...(tailLines === undefined ? {} : { tailLines }),
  }))
    lines.push(line);
  return lines;
}

describe('the last error', () => {
  it.each([
    ['the last lines', 'one\ntwo\n\nthree\nfour\n', 'two | three | four'],
    [
      'without the frames of a stack',
      'Error: no moon\n    at look (sky.js:1:2)\n\nNode.js v20.1.0\n',
      'Error: no moon',
    ],
    ['empty after a successful start', '[2026-01-31 08:00:00.123] INFO: started, process 7\n', ''],
    ['the message of a text log', '[2026-01-31 08:00:00.123] CRITICAL: no moon\n', 'no moon'],
    [
      'the message of a text log, without its origin',
      '[2026-01-31 08:00:00.123] (default/sky look-0 in:7) CRITICAL: no moon (yet)\n',
      'no moon (yet)',
    ],
    ['the message of a JSON log', '{"level":"CRITICAL","msg":"Error: no moon\\n    at x"}\n', 'Error: no moon'],
    ['empty without output', '', ''],
  ])('is %s', (_, text, expected) => {
    expect(printed(text).lastError()).toBe(expected);
  });

  it('has at most 300 characters', () => {
    expect(printed(`${'x'.repeat(1_000)}\n`).lastError()).toBe(`${'x'.repeat(299)}…`);
  });

  it('ignores earlier runs', () => {
    const log = printed('Error: the first run\n');
    closeSync(log.open());
    expect(log.lastError()).toBe('');
  });
});

describe('lines', () => {
  const text = Array.from({ length: 30_000 }, (_, index) => `line ${index} ü`).join('\n');

  it('are complete and in order', async () => {
    expect(await linesOf(printed(text))).toEqual(text.split('\n'));
  });

  it.each([0, 1, 3, 29_999, 40_000])('come from the last %d', async (tail) => {
    const expected = tail === 0 ? [] : text.split('\n').slice(-tail);
    expect(await linesOf(printed(`${text}\n`), tail)).toEqual(expected);
  });

  it('are followed until the replica has ended', async () => {
    const log = printed('first\n');
    const read: string[] = [];
    for await (const line of readLog(log.file, { isOpen: () => read.length < 3 })) {
      read.push(line);
      if (read.length < 3) appendFileSync(log.file, `after ${read.length}\n`);
    }
    expect(read).toEqual(['first', 'after 1', 'after 2']);
  });

  it('above 10 MB move to the old file and are still read', async () => {
    const big = `${'x'.repeat(99)}\n`.repeat(110_000);
    const log = printed(big);
    log.rotate();
    appendFileSync(log.file, 'last\n');
    expect(statSync(log.file).size).toBe(5);
    expect(readFileSync(`${log.file}.old`, 'utf8')).toBe(big);
    expect((await linesOf(log)).at(-1)).toBe('last');
    expect(await linesOf(log)).toHaveLength(110_001);
  });
});
