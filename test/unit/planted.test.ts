import { Planted } from '../support/planted';

test.each([0, 1, 2, 3, 4, 5])('a planted password is found in base64, %s bytes after its start', (shift) => {
  const planted = new Planted('planted-Q7x-4711-password');
  const around = `${'x'.repeat(shift)}${planted.text}yz`;
  expect(planted.isIn(around)).toBe(true);
  expect(planted.isIn(Buffer.from(around).toString('base64'))).toBe(true);
  expect(planted.isIn(Buffer.from('another text of some length').toString('base64'))).toBe(false);
});
