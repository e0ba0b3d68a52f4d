import { inspect } from 'node:util';
import { nkeys } from 'nats';
import { DerivedKeys } from '../../../../runtime/adapters/nats-accounts/derived-keys';
import { Nkey, type NkeyRole } from '../../../../runtime/adapters/nats-accounts/nkey';
import { InstallationKey } from '../../../../runtime/installation/installation-key';

const keys = new DerivedKeys(InstallationKey.parse(Buffer.alloc(32, 7).toString('base64'), 'a test'));

test.each([
  ['operator', 112],
  ['account', 0],
  ['user', 160],
] as const)('a key of an %s has the seed that nats gives the same bytes', (role: NkeyRole, prefix: number) => {
  const pair = nkeys.createPair(prefix) as ReturnType<typeof nkeys.createPair> & { getRawSeed(): Uint8Array };
  const key = Nkey.of(role, pair.getRawSeed());
  expect(key.seed).toBe(Buffer.from(pair.getSeed()).toString());
  expect(key.publicKey).toBe(pair.getPublicKey());
  expect(Nkey.parse(role, `${key.seed}\n`, 'a file').publicKey).toBe(key.publicKey);
});

test('accounts keep their identity from release to release: it is where the streams of a namespace are', () => {
  expect(keys.ofNamespace('team').account.publicKey).toBe('ACE3ODHFMK7IIYSQKLWX6WDC4MNP73EQBUEJBWHYJRYHT3OBA5DIELCR');
  expect(keys.ofController().account.publicKey).toBe('ACDE3QNRRMRUWCFJ6OV7BPMWUG4ZKAVCJVGQR2FGRXD6QK7SMPWLR5IV');
  expect(keys.ofFlow({ namespace: 'team', jobId: 'payroll' }).publicKey).toBe(
    'UA7BU5OCHWI6GURAI3C7L6PYUTVY7P6VCOKBKGSP2OCRLJQXFKIRBKLA',
  );
  expect(keys.ofFlowsIn('team').publicKey).toBe('UCA4LT6RYT24CA3XPJWZTUNKTP4IVZ7RT4YA4YQVXGMG2TQR3OVZKJTD');
  expect(keys.ofServer().operator.publicKey).toBe('OCJO4NXWEYCTPAXYU47STM3ZPYL2AFFZVMXECYX6POGL5FAF2OPB36VB');
});

test('no two keys of an installation are the same', () => {
  const { operator, system } = keys.ofServer();
  const accounts = [keys.ofController(), keys.ofNamespace('team'), keys.ofNamespace('controller'), system];
  const all = [
    operator,
    ...accounts.flatMap(({ account, signer, controller }) => [account, signer, controller]),
    keys.ofFlow({ namespace: 'team', jobId: 'a' }),
    keys.ofFlow({ namespace: 'team', jobId: 'b' }),
    keys.ofFlowsIn('team'),
  ];
  expect(new Set(all.map(({ seed }) => seed)).size).toBe(all.length);
});

test.each([
  ['of another kind', () => keys.ofController().account.seed],
  ['that is a public key', () => keys.ofServer().operator.publicKey],
  ['with a slip of the pen', () => keys.ofServer().operator.seed.replace('A', 'B')],
])('a seed %s is refused by its place, and not shown', (_title, seed) => {
  const text = seed();
  expect(() => Nkey.parse('operator', text, '/etc/operator.nk')).toThrow(
    '/etc/operator.nk: not the seed of an nkey of type operator',
  );
});

test('a dump of a key does not show its seed', () => {
  const { account } = keys.ofController();
  expect(`${JSON.stringify(account)} ${inspect(account, { showHidden: true })}`).not.toContain(account.seed);
});

test('nats verifies what a key signs', () => {
  const { account } = keys.ofController();
  const verifier = nkeys.fromPublic(account.publicKey);
  expect(verifier.verify(Buffer.from('a text'), account.sign('a text'))).toBe(true);
  expect(verifier.verify(Buffer.from('another'), account.sign('a text'))).toBe(false);
});
