import { encodeClaim } from '../../../../../runtime/engine/claim';
import { waitFor } from '../../../../support/wait-for';
import { flow, TestController } from '../flows/support';

let controller: TestController;
let map: number;

beforeEach(async () => {
  controller = await TestController.start();
  map = controller.flows.deadLetters.add(flow, 'leaf', {
    payload: Buffer.from('{"n":1}'),
    place: 'run (code.py:3)',
    trace: 'Traceback\n  File "code.py", line 3, in run',
    history: {
      attempts: [
        { number: 1, at: '2026-01-31T08:00:00.000Z', replica: 'leaf-0', reason: 'exception', type: 'E', message: 'no' },
      ],
      redrives: [],
    },
  });
  controller.flows.deadLetters.add(flow, 'leaf', { errorType: 'KeyError', error: 'other' });
});
afterEach(() => controller.close());

const dlq = (...words: readonly string[]) => controller.kflow('dlq', 'words', ...words);

test('kflow dlq JOB shows groups, and list shows letters', async () => {
  const groups = await dlq();
  expect(groups.status).toBe(0);
  expect(groups.stdout).toMatch(/FUNCTION\s+LETTERS\s+REDRIVING\s+ERROR\s+PLACE/);
  expect(groups.stdout).toMatch(/leaf\s+1\s+-\s+ValueError\s+run \(code\.py:3\)/);
  const list = await dlq('list', '--error', 'KeyError', '-o', 'json');
  expect(JSON.parse(list.stdout)).toMatchObject([{ letter: 2, function: 'leaf', state: 'open', error: 'other' }]);
});

test('show prints the attempts, the traceback and the record of a letter', async () => {
  const { status, stdout } = await dlq('show', String(map));
  expect(status).toBe(0);
  for (const part of ['ValueError: no', 'leaf-0  E: no', 'line 3, in run', '{"n":1}', 'run (code.py:3)']) {
    expect(stdout).toContain(part);
  }
});

test('show cuts a long record, and --raw writes the whole message', async () => {
  const payload = Buffer.from(JSON.stringify({ text: 'x'.repeat(10_000) }));
  const long = String(controller.flows.deadLetters.add(flow, 'leaf', { payload }));
  const shown = (await dlq('show', long)).stdout;
  expect(shown).toContain('10,011 characters of the record; --raw writes the message, --output json shows everything');
  expect(shown.length).toBeLessThan(12_000);
  expect((await dlq('show', long, '--raw')).stdout).toBe(payload.toString());
  expect(await dlq('show', long, String(map), '--raw')).toMatchObject({
    status: 64,
    stderr: expect.stringContaining('--raw: want the number of one letter'),
  });
});

test('--raw fails for a large record that cannot be reached, and names its object', async () => {
  const payload = encodeClaim({ bucket: 'payloads', key: 'a/b', bytes: 5_000_000 });
  const large = String(controller.flows.deadLetters.add(flow, 'leaf', { payload }));
  expect(await dlq('show', large, '--raw')).toMatchObject({
    status: 1,
    stdout: '',
    stderr: expect.stringContaining('its object store cannot be reached from here; object a/b in the bucket payloads'),
  });
  expect((await dlq('show', large)).stdout).toContain('object a/b in the bucket payloads');
});

test('export writes a letter a line, with its message', async () => {
  const lines = (await dlq('export')).stdout.trim().split('\n');
  expect(lines.map((line) => JSON.parse(line).letter)).toEqual([1, 2]);
  expect(Buffer.from(JSON.parse(lines[0] ?? '').payload, 'base64').toString()).toBe('{"n":1}');
});

test('export fails without a large record that cannot be reached, and has the letters all the same', async () => {
  const payload = encodeClaim({ bucket: 'payloads', key: 'a/b', bytes: 5_000_000 });
  controller.flows.deadLetters.add(flow, 'leaf', { payload });
  const { status, stdout, stderr } = await dlq('export');
  expect([status, stdout.trim().split('\n').length]).toEqual([1, 3]);
  expect(stderr).toContain(
    'without the record of 1 letter: the record is large, and its object store cannot be reached',
  );
});

test('a dry run counts and changes nothing', async () => {
  const { stdout } = await dlq('redrive', '--all', '--dry-run');
  expect(stdout).toContain('2 letters counted, nothing changed');
  expect(await controller.flows.deadLetters.redriving(flow)).toEqual(new Set());
});

test('redrive takes numbers, conditions and a rate; cancel ends it', async () => {
  const { stdout } = await dlq('redrive', String(map), '--rate', '2.5', '--comment', 'repaired', '-o', 'json');
  const { redrive } = JSON.parse(stdout);
  const listed = JSON.parse((await dlq('redrives', '-o', 'json')).stdout);
  expect(listed).toMatchObject([{ id: redrive, rate: 2.5, comment: 'repaired', letters: 1, pending: 1 }]);
  expect((await dlq('cancel', redrive)).stdout).toContain('1 letter had not begun');
  expect(await controller.flows.deadLetters.redriving(flow)).toEqual(new Set());
});

test('redrive --wait exits with 1 when letters fail again, and with 0 when none does', async () => {
  const { deadLetters } = controller.flows;
  const redriven = async (failing: readonly number[], ...letters: readonly string[]) => {
    const ended = dlq('redrive', ...letters, '--wait');
    await waitFor('queued letters', async () => (await deadLetters.redriving(flow)).size > 0);
    deadLetters.settle(flow, failing);
    return ended;
  };
  expect(await redriven([map], String(map))).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('1 failed again'),
  });
  expect(await redriven([], '--all')).toMatchObject({ status: 0 });
});

test('discard moves letters aside, and restore brings them back', async () => {
  await dlq('discard', '--error', 'KeyError');
  expect(JSON.parse((await dlq('list', '-o', 'json')).stdout)).toHaveLength(1);
  expect(JSON.parse((await dlq('list', '--discarded', '-o', 'json')).stdout)).toMatchObject([{ letter: 2 }]);
  await dlq('restore', '2');
  expect(JSON.parse((await dlq('list', '-o', 'json')).stdout)).toHaveLength(2);
});

test('--place takes the place as the groups show it, - for none', async () => {
  const placesOf = async (place: string) => JSON.parse((await dlq('list', '--place', place, '-o', 'json')).stdout);
  expect(await placesOf('run (code.py:3)')).toMatchObject([{ letter: map }]);
  expect(await placesOf('-')).toMatchObject([{ letter: 2 }]);
  expect((await dlq('redrive', '--place', '-', '--dry-run')).stdout).toContain('1 letter counted');
});

test('what an action would ignore is refused, and changes nothing', async () => {
  await dlq('discard', '2');
  for (const action of ['redrive', 'discard']) {
    expect(await dlq(action, '--all', '--discarded')).toMatchObject({
      status: 64,
      stderr: expect.stringContaining(`${action} takes no discarded letters; restore them first`),
    });
  }
  expect(JSON.parse((await dlq('list', '-o', 'json')).stdout)).toMatchObject([{ letter: map, state: 'open' }]);
  const { redrive } = JSON.parse((await dlq('redrive', String(map), '-o', 'json')).stdout);
  expect(await dlq('cancel', redrive, '--dry-run')).toMatchObject({
    status: 64,
    stderr: expect.stringContaining('--dry-run: want redrive, discard, restore, not cancel'),
  });
  expect(await controller.flows.deadLetters.redriving(flow)).toEqual(new Set([map]));
  expect((await dlq('restore', '--all', '--discarded')).stdout).toContain('1 letter restored');
});

test.each([
  [['export', '2'], 'export: want no number of a letter; "show 2 --output json" writes these letters'],
  [['list', '1', '2'], 'list: want no number of a letter'],
  [['redrive'], 'no letters are chosen'],
  [['redrive', 'seven'], 'want a number, got "seven"'],
  [['show'], 'want the number of a letter'],
  [['cancel'], 'want the id of one redrive'],
  [['list', '--since', 'soon'], 'want a time'],
  [['redrive', '--all', '--rate', '0'], 'want a number above 0'],
  [['list', '--nats-credentials', 'here'], '--nats-credentials requires --nats-url'],
])('kflow dlq words %j is refused with what to do', async (words, message) => {
  const { status, stderr } = await dlq(...words);
  expect(status).not.toBe(0);
  expect(stderr).toContain(message);
});
