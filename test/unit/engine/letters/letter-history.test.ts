import {
  type Attempt,
  decodeHistory,
  encodeHistory,
  joinHistories,
  type LetterHistory,
  noHistory,
} from '../../../../runtime/engine/letters/letter-history';

const attempt = (number: number, message: string, more: Partial<Attempt> = {}): Attempt => ({
  number,
  at: `2026-01-31T08:00:0${number % 10}.000Z`,
  replica: 'map-0',
  reason: 'exception',
  type: 'ValueError',
  message,
  ...more,
});

test('a history is read as it was written, whatever its texts contain', () => {
  const history: LetterHistory = {
    attempts: [
      attempt(1, 'no é\n"quoted" 😀', { stored: '0-2,5' }),
      attempt(2, 'no', { replica: 'map-1', reason: 'crashed' }),
      attempt(1, 'no', { redrive: 'r1' }),
    ],
    redrives: [{ id: 'r1', by: 'eva', at: '2026-01-31T09:00:00.000Z', comment: 'repariert: ü' }],
  };
  const text = encodeHistory(history, 2_000);
  expect(text).toMatch(/^[ -~]+$/);
  expect(decodeHistory(text)).toEqual(history);
});

test('attempts that fail in the same way take little room', () => {
  const same = Array.from({ length: 5 }, (_, index) => attempt(index + 1, 'x'.repeat(300)));
  expect(encodeHistory({ attempts: same, redrives: [] }, 1_600).length).toBeLessThan(900);
});

test('texts are cut before attempts are left out, and the first and last attempts stay', () => {
  const long = Array.from({ length: 4 }, (_, index) => attempt(index + 1, `${index}${'x'.repeat(400)}`));
  const cut = decodeHistory(encodeHistory({ attempts: long, redrives: [] }, 1_000));
  expect(cut.attempts.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
  expect(cut.attempts[0]?.message.length).toBeLessThan(400);

  const many = Array.from({ length: 60 }, (_, index) => attempt(index + 1, `${index}`));
  const text = encodeHistory({ attempts: many, redrives: [] }, 1_000);
  expect(text.length).toBeLessThanOrEqual(1_000);
  const { attempts, omitted } = decodeHistory(text);
  expect(attempts.slice(0, 2).map(({ number }) => number)).toEqual([1, 2]);
  expect(attempts.at(-1)?.number).toBe(60);
  expect(attempts.length + (omitted ?? 0)).toBe(60);
});

test('a history that somebody has damaged is empty', () => {
  expect(decodeHistory('{"a":')).toEqual(noHistory);
  expect(decodeHistory('')).toEqual(noHistory);
});

test('joined histories keep their order and the number of attempts that are left out', () => {
  const [one, other] = [attempt(1, 'a'), attempt(2, 'b')];
  const joined = joinHistories({ attempts: [one], redrives: [], omitted: 2 }, { attempts: [other], redrives: [] });
  expect(joined).toEqual({ attempts: [one, other], redrives: [], omitted: 2 });
});
