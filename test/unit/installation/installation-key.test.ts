import { randomBytes } from 'node:crypto';
import { InstallationKey, isSealed, newInstallationKey } from '../../../runtime/installation/installation-key';

const older = newInstallationKey();
const newer = newInstallationKey();
const key = InstallationKey.parse(older, 'key');
const rotated = InstallationKey.parse(`# rotated\n${newer}\n${older}`, 'key');
const plain = Buffer.from('password: hunter2\n');

function codeOf(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return { code: (error as { code?: string }).code, message: (error as Error).message };
  }
}

test.each([0, 1, 17, 1_000_000])('opens %s sealed bytes', (length) => {
  const bytes = randomBytes(length);
  expect(key.open(key.seal(bytes, 'place'), 'place').equals(bytes)).toBe(true);
});

test('the sealed bytes hold nothing of the plain ones and differ every time', () => {
  const [first, second] = [key.seal(plain, 'place'), key.seal(plain, 'place')];
  expect(first.includes('hunter2')).toBe(false);
  expect(first.equals(second)).toBe(false);
  expect(first.length).toBe(plain.length + 40);
});

test('a rotated key opens what the older one sealed, and seals anew with the newer one', () => {
  const sealed = key.seal(plain, 'place');
  expect(rotated.open(sealed, 'place').equals(plain)).toBe(true);
  expect(rotated.id).toBe(InstallationKey.parse(newer, 'key').id);
  expect(rotated.id).not.toBe(key.id);
  expect(codeOf(() => key.open(rotated.seal(plain, 'place'), 'place'))).toEqual({
    code: 'seal-invalid',
    message:
      'place: cannot be opened with the installation key: it is sealed with a key that this installation does not have',
  });
});

test('what is derived depends on the purpose and on the oldest key alone', () => {
  expect(key.derive('nats account a').length).toBe(32);
  expect(rotated.derive('nats account a').equals(key.derive('nats account a'))).toBe(true);
  expect(key.derive('nats account b').equals(key.derive('nats account a'))).toBe(false);
  const other = InstallationKey.parse(newer, 'key');
  expect(other.derive('nats account a').equals(key.derive('nats account a'))).toBe(false);
});

test('no byte of a sealed value, and not its place, can be changed', () => {
  const sealed = key.seal(plain, 'orders/a');
  const invalid = expect.objectContaining({ code: 'seal-invalid' });
  expect(codeOf(() => key.open(sealed, 'orders/b'))).toEqual(invalid);
  for (let at = 0; at < sealed.length; at++) {
    const changed = Buffer.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(codeOf(() => key.open(changed, 'orders/a'))).toEqual(invalid);
    expect(codeOf(() => key.open(sealed.subarray(0, at), 'orders/a'))).toEqual(invalid);
  }
});

test('a document is never taken for a sealed value', () => {
  expect([plain, Buffer.alloc(0), Buffer.from('{}')].map(isSealed)).toEqual([false, false, false]);
  expect(isSealed(key.seal(plain, 'place'))).toBe(true);
});

test('a bad line is named without its text', () => {
  expect(codeOf(() => InstallationKey.parse(`${older}\nhunter2\n`, 'key'))).toEqual({
    code: 'config-invalid',
    message: 'key:3: not a key; expected 32 random bytes as base64 (openssl rand -base64 32)',
  });
  expect(codeOf(() => InstallationKey.parse('# nothing\n', 'key'))).toEqual({
    code: 'config-invalid',
    message: 'key: contains no key; expected 32 random bytes as base64, one key a line',
  });
});
