import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { createAccess } from '../../../../../runtime/controller/api/access/access';
import { OidcIssuer, type OidcSettings } from '../../../../../runtime/controller/api/access/oidc-issuer';
import { apiWith, flowPath } from '../support';

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;

/** An OIDC issuer that records its requests. */
class LocalIssuer {
  readonly asked: string[] = [];
  isDown = false;
  /** Replaces fields of the discovery document. */
  discovery: object = {};
  keys: readonly { readonly kid: string; readonly pair: KeyPair }[] = [];
  private readonly server = createServer((request, response) => {
    this.asked.push(request.url ?? '');
    void this.page(request.url).then((page) => {
      response.writeHead(this.isDown ? 500 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(page));
    });
  });

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async page(url: string | undefined): Promise<object> {
    if (url !== '/keys') return { issuer: this.url, jwks_uri: `${this.url}/keys`, ...this.discovery };
    const keys = await Promise.all(
      this.keys.map(async ({ kid, pair }) => ({ ...(await exportJWK(pair.publicKey)), kid })),
    );
    return { keys: keys.map((key) => ({ ...key, alg: 'ES256', use: 'sig' })) };
  }
}

let issuer: LocalIssuer;
let pair: KeyPair;
beforeAll(async () => {
  pair = await generateKeyPair('ES256');
});
beforeEach(async () => {
  issuer = new LocalIssuer();
  issuer.keys = [{ kid: 'one', pair }];
  await issuer.start();
});
afterEach(() => issuer.stop());

interface Signed {
  readonly kid?: string;
  readonly key?: KeyPair;
  readonly expires?: string;
  readonly audience?: string;
}

function tokenOf(claims: JWTPayload, { kid = 'one', key = pair, expires = '5m', audience = 'kflow' }: Signed = {}) {
  return new SignJWT({ iss: issuer.url, sub: 'u1', ...claims })
    .setProtectedHeader({ alg: 'ES256', kid })
    .setAudience(audience)
    .setExpirationTime(expires)
    .sign(key.privateKey);
}

const knownBy = (more: Partial<OidcSettings> = {}) =>
  new OidcIssuer({ issuer: issuer.url, audience: 'kflow', ...more });

test('identifies the caller of a valid token with the role and the name in its claims', async () => {
  const access = await createAccess({ kind: 'oidc', issuer: issuer.url, audience: 'kflow' }, () => undefined);
  const { app, flows } = await apiWith({ access });
  const token = await tokenOf({ kflow_role: 'operate', preferred_username: 'otto' });
  const headers = { authorization: `Bearer ${token}` };
  expect((await app.inject({ method: 'POST', url: `${flowPath}/pause`, headers })).statusCode).toBe(202);
  expect(flows.requests[0]?.requester.by).toBe('otto');
  expect((await app.inject({ method: 'DELETE', url: flowPath, headers })).statusCode).toBe(403);
  const without = await app.inject({ url: flowPath, headers: { authorization: `Bearer ${await tokenOf({})}` } });
  expect([without.statusCode, without.json().detail]).toEqual([403, '"u1" has no role in kflow_role or groups']);
  await app.close();
});

test.each<[string, JWTPayload, Partial<OidcSettings>, object]>([
  [
    'groups',
    { groups: ['staff', 'kflow-ops'] },
    { roles: { 'kflow-ops': 'operate' } },
    { name: 'u1', role: 'operate' },
  ],
  [
    'the highest of several',
    { groups: ['a', 'b'] },
    { roles: { a: 'admin', b: 'view' } },
    { name: 'u1', role: 'admin' },
  ],
  [
    'a claim within others',
    { realm: { roles: ['view'] } },
    { rolesClaim: 'realm.roles' },
    { name: 'u1', role: 'view' },
  ],
  ['a name of their own', { kflow_role: 'view', upn: 'x' }, { nameClaim: 'upn' }, { name: 'x', role: 'view' }],
  ['namespaces', { kflow_role: 'view', kflow_namespaces: ['a'] }, {}, { name: 'u1', role: 'view', namespaces: ['a'] }],
])('reads claims: %s', async (_, claims, settings, caller) => {
  expect(await knownBy(settings).identify(await tokenOf(claims))).toEqual(caller);
});

test.each<[string, JWTPayload, Partial<OidcSettings>]>([
  ['a group that is mapped to nothing', { groups: ['view'] }, { roles: { ops: 'operate' } }],
  ['a name of a property of all objects', { groups: ['constructor'] }, { roles: { ops: 'operate' } }],
  ['namespaces that are no list', { kflow_role: 'admin', kflow_namespaces: 'a' }, {}],
])('denies access for %s', async (_, claims, settings) => {
  await expect(knownBy(settings).identify(await tokenOf(claims))).rejects.toMatchObject({ code: 'access-denied' });
});

test('rejects tokens that are expired, forged, malformed, or of another audience or issuer', async () => {
  const known = knownBy();
  const role = { kflow_role: 'admin' };
  const forged = await generateKeyPair('ES256');
  const bad = [
    await tokenOf(role, { expires: '-2m' }),
    await tokenOf(role, { audience: 'another' }),
    await tokenOf({ ...role, iss: 'https://issuer.example' }),
    await tokenOf(role, { key: forged }),
    (await tokenOf(role)).replace(/\.[^.]*$/, '.'),
    'the-token-of-a-file',
  ];
  for (const token of bad) expect(await known.identify(token)).toBeUndefined();
  expect(await known.identify(await tokenOf(role))).toMatchObject({ role: 'admin' });
});

test('rejects a token without an expiration time', async () => {
  const eternal = await new SignJWT({ iss: issuer.url, sub: 'u1', kflow_role: 'admin' })
    .setProtectedHeader({ alg: 'ES256', kid: 'one' })
    .setAudience('kflow')
    .sign(pair.privateKey);
  expect(await knownBy().identify(eternal)).toBeUndefined();
});

test('rejects a token of another issuer without a request', async () => {
  const other = await tokenOf({ iss: 'https://issuer.example', kflow_role: 'admin' });
  expect(await knownBy().identify(other)).toBeUndefined();
  expect(issuer.asked).toEqual([]);
});

test.each([
  ['names another issuer, https://issuer.example', { issuer: 'https://issuer.example' }],
  ['must be an https URL, or http on loopback; got "http://keys.example/"', { jwks_uri: 'http://keys.example/' }],
])('does not trust a discovery document that %s', async (message, discovery) => {
  issuer.discovery = discovery;
  await expect(knownBy().identify(await tokenOf({ kflow_role: 'admin' }))).rejects.toMatchObject({
    code: 'server-failed',
    message: expect.stringContaining(message),
  });
});

test('fetches the keys once', async () => {
  const known = knownBy();
  for (const _ of [1, 2, 3]) await known.identify(await tokenOf({ kflow_role: 'view' }));
  expect(issuer.asked).toEqual(['/.well-known/openid-configuration', '/keys']);
});

test('reports an unreachable issuer as a transient failure, and contacts it again for the next token', async () => {
  const known = knownBy();
  const token = await tokenOf({ kflow_role: 'view' });
  issuer.isDown = true;
  await expect(known.identify(token)).rejects.toMatchObject({ code: 'server-failed' });
  issuer.isDown = false;
  expect(await known.identify(token)).toMatchObject({ role: 'view' });
});

test.each(['http://issuer.example', 'issuer.example', 'ftp://issuer.example'])('rejects the issuer URL %s', (url) => {
  expect(() => new OidcIssuer({ issuer: url, audience: 'kflow' })).toThrow(/access\.issuer must be an https URL/);
});
