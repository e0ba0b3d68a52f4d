import { StoreError } from '../../../../../lib/errors';
import type { LetterDetail } from '../../../../../runtime/api-contract/letters';
import { LetterDesk } from '../../../../../runtime/controller/flows/letters/letter-desk';
import type { LargeRecords } from '../../../../../runtime/controller/ports/letters';
import { encodeClaim } from '../../../../../runtime/engine/claim';
import { MemoryLetters } from '../../../../support/memory-letters';

const flow = { namespace: 'team', jobId: 'words' };
const eva = { by: 'eva', comment: 'repaired' };
const any = { discarded: false };

let letters: MemoryLetters;
let desk: LetterDesk;

beforeEach(() => {
  letters = new MemoryLetters();
  desk = new LetterDesk(letters);
  letters.add(flow, 'map', { place: 'run (a.py:1)', failedAt: '2026-01-31T08:00:00.000Z' });
  letters.add(flow, 'map', { place: 'run (a.py:1)', failedAt: '2026-01-31T10:00:00.000Z', error: 'newest' });
  letters.add(flow, 'map', { errorType: 'KeyError', failedAt: '2026-01-31T09:00:00.000Z' });
  letters.add(flow, 'sink', { reason: 'timed out', errorType: 'timed out' });
});

test('groups letters by function, error and place, the largest group first', async () => {
  const groups = await desk.groups(flow, any);
  expect(groups.map(({ function: id, errorType, place, letters: count }) => [id, errorType, place, count])).toEqual([
    ['map', 'ValueError', 'run (a.py:1)', 2],
    ['map', 'KeyError', undefined, 1],
    ['sink', 'timed out', undefined, 1],
  ]);
  expect(groups[0]).toMatchObject({
    oldest: '2026-01-31T08:00:00.000Z',
    newest: '2026-01-31T10:00:00.000Z',
    error: 'newest',
    redriving: 0,
  });
});

test.each([
  [{ function: 'map' }, [1, 2, 3]],
  [{ error: 'KeyError' }, [3]],
  [{ reason: 'timed out' }, [4]],
  [{ place: 'run (a.py:1)' }, [1, 2]],
  [{ function: 'map', since: '2026-01-31T09:00:00Z' }, [2, 3]],
  [{ function: 'map', until: '2026-01-31T10:00:00+01:00' }, [1, 3]],
  [{ letters: [2, 4] }, [2, 4]],
  [{ function: '*' }, []],
])('chooses letters by %j', async (conditions, expected) => {
  const change = await desk.redrive(flow, { ...conditions, dryRun: true }, eva);
  expect(change).toMatchObject({ letters: expected.length, isDryRun: true });
  await desk.redrive(flow, { ...conditions, dryRun: false }, eva);
  expect([...(await letters.redriving(flow))]).toEqual(expected);
});

test('a change without a condition is refused unless it chooses all letters', async () => {
  await expect(desk.discard(flow, { dryRun: false }, eva)).rejects.toMatchObject({ code: 'setting-missing' });
  expect(await desk.discard(flow, { all: true, dryRun: false }, eva)).toMatchObject({ letters: 4 });
});

test('a dry run changes nothing, and reports letters that do not exist', async () => {
  const change = await desk.redrive(flow, { letters: [1, 99], dryRun: true }, eva);
  expect(change).toMatchObject({ letters: 1, missing: [99], isDryRun: true, functions: { map: 1 } });
  expect(change).not.toHaveProperty('redrive');
  expect(await letters.redriving(flow)).toEqual(new Set());
});

test('letters that are being processed again are left alone by every change', async () => {
  await desk.redrive(flow, { letters: [1], dryRun: false }, eva);
  expect((await desk.list(flow, { ...any, limit: 10 })).letters.map(({ state }) => state)).toEqual([
    'redriving',
    'open',
    'open',
    'open',
  ]);
  expect(await desk.discard(flow, { all: true, dryRun: false }, eva)).toMatchObject({ letters: 3, redriving: 1 });
  expect(await desk.redrive(flow, { all: true, dryRun: false }, eva)).toMatchObject({ letters: 0, redriving: 1 });
});

test('letters of sources are not redriven, and a selection of no others is refused', async () => {
  letters.add(flow, 'in', { stream: '' });
  expect(await desk.redrive(flow, { all: true, dryRun: true }, eva)).toMatchObject({ letters: 4 });
  for (const dryRun of [true, false]) {
    await expect(desk.redrive(flow, { function: 'in', dryRun }, eva)).rejects.toMatchObject({
      code: 'letter-of-source',
      message: expect.stringContaining('(in); correct the source or its schema, then discard them'),
    });
  }
  expect(await desk.discard(flow, { function: 'in', dryRun: false }, eva)).toMatchObject({ letters: 1 });
});

test('a discarded letter is listed as such, and keeps its number when it is restored', async () => {
  await desk.discard(flow, { letters: [2], dryRun: false }, eva);
  expect((await desk.list(flow, { ...any, limit: 10 })).letters.map(({ letter }) => letter)).toEqual([1, 3, 4]);
  expect((await desk.list(flow, { discarded: true, limit: 10 })).letters).toMatchObject([
    { letter: 2, state: 'discarded' },
  ]);
  expect(await desk.show(flow, 2)).toMatchObject({ state: 'discarded', discarded: eva });
  await desk.restore(flow, { letters: [2], dryRun: false }, eva);
  expect((await desk.list(flow, { ...any, limit: 10 })).letters.map(({ letter }) => letter)).toEqual([1, 3, 4, 2]);
  expect(await desk.show(flow, 2)).toMatchObject({ state: 'open' });
});

test('pages of a list have every letter once', async () => {
  const first = await desk.list(flow, { ...any, limit: 3 });
  const second = await desk.list(flow, { ...any, limit: 3, after: first.next ?? 0 });
  expect([...first.letters, ...second.letters].map(({ letter }) => letter)).toEqual([1, 2, 3, 4]);
  expect(second.next).toBeUndefined();
});

test('the progress of a redrive counts what is left, and what failed again', async () => {
  const { redrive = '' } = await desk.redrive(flow, { function: 'map', rate: 5, dryRun: false }, eva);
  expect(await desk.redrives(flow)).toMatchObject([
    { id: redrive, ...eva, rate: 5, letters: 3, functions: { map: 3 }, pending: 3, failed: 0, state: 'running' },
  ]);
  letters.settle(flow, [3]);
  expect(await desk.redrives(flow)).toMatchObject([{ pending: 0, failed: 1, state: 'done' }]);
});

test('a canceled redrive leaves letters that can be redriven again', async () => {
  const { redrive = '' } = await desk.redrive(flow, { function: 'map', dryRun: false }, eva);
  expect(await desk.cancel(flow, redrive)).toMatchObject({ canceled: 3, state: 'canceled' });
  expect(await desk.redrive(flow, { function: 'map', dryRun: false }, eva)).toMatchObject({ letters: 3 });
  await expect(desk.cancel(flow, 'none')).rejects.toMatchObject({ code: 'redrive-missing' });
});

test('a letter that does not exist is an error', async () => {
  await expect(desk.show(flow, 99)).rejects.toMatchObject({ code: 'letter-missing' });
});

async function exportOf(of: LetterDesk): Promise<LetterDetail[]> {
  const exported: LetterDetail[] = [];
  for await (const letter of of.export(flow, { discarded: false })) exported.push(letter);
  return exported;
}

describe('a large record', () => {
  const claim = { bucket: 'payloads', key: 'kflow/team/words/map/1', bytes: 7 };
  const record = Buffer.from('{"n":1}');
  const deskWith = (fetch: LargeRecords['fetch'], bytes = claim.bytes) => {
    const payload = encodeClaim({ ...claim, bytes });
    const letter = letters.add(flow, 'map', { payload });
    return { letter, desk: new LetterDesk(letters, { fetch }) };
  };

  test('is fetched and decoded, or is the payload if that is asked for', async () => {
    const asked: unknown[] = [];
    const { letter, desk: withStore } = deskWith(async (...of) => {
      asked.push(of);
      return record;
    });
    const shown = await withStore.show(flow, letter);
    expect(shown).toMatchObject({ json: '{"n":1}', claim });
    expect(shown).not.toHaveProperty('fault');
    const raw = await withStore.show(flow, letter, { raw: true });
    expect(Buffer.from(raw.payload, 'base64')).toEqual(record);
    expect(raw).not.toHaveProperty('json');
    expect(asked).toEqual([
      [flow, claim],
      [flow, claim],
    ]);
  });

  test.each<[string, LargeRecords['fetch'], number, string]>([
    [
      'too large',
      async () => record,
      200 * 1024 ** 2,
      'the record has 200 MiB, which is more than the 16 MiB that are shown',
    ],
    ['elsewhere', async () => undefined, 7, 'the record is large, and its object store cannot be reached from here'],
    ['gone', async () => Promise.reject(new Error('no such object')), 7, 'no such object'],
  ])('that is %s is its claim, and says why', async (_, fetch, bytes, fault) => {
    const { letter, desk: withStore } = deskWith(fetch, bytes);
    expect(await withStore.show(flow, letter)).toMatchObject({ claim: { ...claim, bytes }, fault });
  });

  test('is decoded in an export, too', async () => {
    const { letter, desk: withStore } = deskWith(async () => record);
    const exported = await exportOf(withStore);
    expect(exported.find((each) => each.letter === letter)).toMatchObject({ json: '{"n":1}', claim });
    expect(exported.filter(({ fault }) => fault !== undefined)).toEqual([]);
  });

  test('of a store that is away is asked for once in an export, and one of a store that lacks it does not keep back the others', async () => {
    for (const key of ['lost', 'a', 'b']) letters.add(flow, 'map', { payload: encodeClaim({ ...claim, key }) });
    const asked: string[] = [];
    const fetch: LargeRecords['fetch'] = async (_flow, { key }) => {
      asked.push(key);
      if (key === 'lost') throw new StoreError('store-failed', 'no such object', { isFinal: true });
      throw new StoreError('store-failed', 'away');
    };
    const exported = await exportOf(new LetterDesk(letters, { fetch }));
    expect(exported.flatMap(({ fault }) => fault ?? [])).toEqual(['no such object', 'away', 'away']);
    expect(asked).toEqual(['lost', 'a']);
  });
});
