import { type ConnectionOptions, ErrorCode } from 'nats';
import { accountToken, userToken } from '../../../runtime/adapters/nats-accounts/claims';
import { AccountsPlace, keysOf, nowSeconds } from './accounts-place';

const flow = { namespace: 'team', jobId: 'payroll' };
let place: AccountsPlace;
let config: AccountsPlace;

beforeAll(async () => {
  place = await AccountsPlace.start({ kind: 'operator', namespaces: ['team', 'mallory'] });
  config = await AccountsPlace.start({ kind: 'config', namespaces: ['team', 'mallory'] });
});

/** Logins that a hostile pod may try, apart from its own. */
const logins: readonly { readonly title: string; readonly login: () => ConnectionOptions }[] = [
  { title: 'no credentials', login: () => ({}) },
  { title: 'a guessed user and password', login: () => ({ user: 'kflow', pass: 'kflow' }) },
  { title: 'a guessed token', login: () => ({ token: 'kflow' }) },
  {
    title: 'a token of the same namespace from another installation',
    login: () => {
      const others = keysOf('another');
      return place.loginOf(others.ofNamespace('team'), others.ofFlow(flow));
    },
  },
  {
    title: 'a token for the account of others, signed with the key of its own',
    login: () => {
      const { signer } = place.keys.ofNamespace('mallory');
      return place.loginOf({ ...place.keys.ofNamespace('team'), signer }, place.keys.ofFlow(flow));
    },
  },
  {
    title: 'a token for the system account, signed with the key of its own',
    login: () => {
      const { signer } = place.keys.ofNamespace('mallory');
      const { system } = place.keys.ofServer();
      return place.loginOf({ ...system, signer }, place.keys.ofFlow(flow));
    },
  },
  {
    title: 'an expired token of others',
    login: () =>
      place.loginOf(place.keys.ofNamespace('team'), place.keys.ofFlow(flow), {
        issuedAt: nowSeconds() - 60,
        expiresAt: nowSeconds() - 30,
      }),
  },
];

test.each(logins)('nats with an operator refuses $title', async ({ login }) => {
  await expect(place.connect(login())).rejects.toMatchObject({ code: ErrorCode.AuthorizationViolation });
});

test.each(logins)('nats with a configuration of accounts refuses $title', async ({ login }) => {
  await expect(config.connect(login())).rejects.toMatchObject({ code: ErrorCode.AuthorizationViolation });
});

test('a token gets in until it is revoked, and its connection ends then', async () => {
  const account = place.keys.ofNamespace('team');
  const user = place.keys.ofFlow({ ...flow, jobId: 'revoked' });
  const login = place.loginOf(account, user);
  const connection = await place.connect(login);
  await place.putAccount(account, { [user.publicKey]: nowSeconds() });
  await connection.closed();
  await expect(place.connect(login)).rejects.toMatchObject({ code: ErrorCode.AuthorizationViolation });
  const later = place.loginOf(account, user, { issuedAt: nowSeconds() + 1 });
  await (await place.connect(later)).close();
});

test('only the system account changes accounts', async () => {
  const own = place.keys.ofNamespace('mallory');
  const claims = { name: own.name, account: own.account.publicKey, signingKey: own.signer.publicKey };
  const token = accountToken(place.keys.ofServer().operator, claims, nowSeconds());
  const mallory = await place.flow({ namespace: 'mallory', jobId: 'hostile' });
  const request = mallory.request('$SYS.REQ.CLAIMS.UPDATE', token, { timeout: 1_000 });
  await expect(request).rejects.toMatchObject({ code: expect.stringMatching(/503|TIMEOUT/) });
  const system = await place.system();
  const answer = await system.request('$SYS.REQ.CLAIMS.UPDATE', token, { timeout: 5_000 });
  expect(answer.json()).toMatchObject({ data: { code: 200 } });
});

test('a user of another account does not hear the events of the servers', async () => {
  const mallory = await place.flow({ namespace: 'mallory', jobId: 'hostile' });
  const heard: string[] = [];
  mallory.subscribe('$SYS.>', { callback: (_error, { subject }) => heard.push(subject) });
  await mallory.flush();
  const system = await place.system();
  const connected: string[] = [];
  system.subscribe('$SYS.ACCOUNT.*.CONNECT', { callback: (_error, { subject }) => connected.push(subject) });
  await system.flush();
  await (await place.connect(place.loginOf(place.keys.ofNamespace('team'), place.keys.ofFlow(flow)))).close();
  await system.request('$SYS.REQ.SERVER.PING', '', { timeout: 5_000 });
  expect(connected).not.toEqual([]);
  await mallory.flush();
  expect(heard).toEqual([]);
});

test('a token without an end is the same at every call, and says whose it is', () => {
  const { account, signer } = place.keys.ofNamespace('team');
  const user = place.keys.ofFlow(flow);
  const claims = { name: 'team/payroll', user: user.publicKey, account: account.publicKey, issuedAt: 1 };
  const token = userToken(signer, claims);
  expect(userToken(signer, claims)).toBe(token);
  const body = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  expect(body).toMatchObject({ name: 'team/payroll', sub: user.publicKey, iss: signer.publicKey, iat: 1 });
});
