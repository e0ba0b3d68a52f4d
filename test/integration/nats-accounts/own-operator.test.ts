import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ErrorCode } from 'nats';
import { accountToken, credsFile, userToken } from '../../../runtime/adapters/nats-accounts/claims';
import { Nkey, type NkeyRole } from '../../../runtime/adapters/nats-accounts/nkey';
import { type ControllerNats, openNats } from '../../../runtime/controller/open-nats';
import { readControllerSettings } from '../../../runtime/controller/settings/settings';
import { InstallationKey, newInstallationKey } from '../../../runtime/installation/installation-key';
import { type NatsServer, startNatsServer } from '../../../runtime/servers/nats-server';
import { closeAfterFile } from '../../support/close-after-file';
import { loggedIn } from '../../support/logged-in';
import { serverFiles } from '../../support/server-files';
import { planOf } from '../../unit/plan/planned';

/** The operator of somebody else, as `nsc` sets it up: the controller has one of its signing keys and a user of SYS. */
const operator = keyOf('operator', 'operator');
const signingKey = keyOf('operator', 'signing key');
const system = {
  account: keyOf('account', 'SYS'),
  signer: keyOf('account', 'signer of SYS'),
  user: keyOf('user', 'sys'),
};

const folder = mkdtempSync(path.join(tmpdir(), 'kflow-operator-'));
let server: NatsServer;

beforeAll(async () => {
  const { publicKey } = system.account;
  const claims = { name: 'SYS', account: publicKey, signingKey: system.signer.publicKey, isSystem: true } as const;
  const config = [
    `operator: ${operatorToken()}`,
    `system_account: ${publicKey}`,
    `resolver: { type: full, dir: ${JSON.stringify(path.join(folder, 'accounts'))} }`,
    `resolver_preload: { ${publicKey}: ${accountToken(operator, claims, 0)} }`,
  ];
  server = await startNatsServer({ ...serverFiles(folder, 'nats'), config });
});
closeAfterFile('a nats-server with an operator', async () => {
  await server?.stop();
  rmSync(folder, { recursive: true });
});

/** The same name is the same key. */
function keyOf(role: NkeyRole, name: string): Nkey {
  return Nkey.of(role, createHash('sha256').update(`${role} ${name}`).digest());
}

/** As `nsc describe operator --raw` prints it. */
function operatorToken(): string {
  const nats = {
    type: 'operator',
    version: 2,
    signing_keys: [signingKey.publicKey],
    system_account: system.account.publicKey,
  };
  const claims = { jti: 'OPERATOR', iat: 0, iss: operator.publicKey, name: 'own', sub: operator.publicKey, nats };
  const signed = [{ typ: 'JWT', alg: 'ed25519-nkey' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${signed}.${operator.sign(signed).toString('base64url')}`;
}

function write(name: string, text: string): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

/** A folder with the credentials of a user of SYS. */
function systemCredentials(signer = system.signer): string {
  const claims = { name: 'sys', user: system.user.publicKey, account: system.account.publicKey, issuedAt: 0 };
  return path.dirname(write('system/nats.creds', credsFile(system.user, userToken(signer, claims))));
}

/** The nats of a controller of a new installation, as it starts. */
function open(operatorKeyFile: string, credentials: string): Promise<ControllerNats> {
  const { nats } = readControllerSettings({
    KFLOW_CONTROLLER_NATS_URL: server.url,
    KFLOW_CONTROLLER_NATS_REPLICAS: '1',
    KFLOW_CONTROLLER_NATS_ACCOUNTS_KIND: 'operator',
    KFLOW_CONTROLLER_NATS_ACCOUNTS_OPERATOR_KEY_FILE: operatorKeyFile,
    KFLOW_CONTROLLER_NATS_ACCOUNTS_SYSTEM_CREDENTIALS: credentials,
    KFLOW_CONTROLLER_TEMPORAL_ADDRESS: '127.0.0.1:1',
    KFLOW_CONTROLLER_CLUSTER_KIND: 'processes',
    KFLOW_CONTROLLER_CLUSTER_SOCKET: path.join(folder, 'none'),
  });
  const none = () => undefined;
  const reports = { log: none, login: { refused: none, accepted: none } };
  return openNats(nats, InstallationKey.parse(newInstallationKey(), 'a test'), reports);
}

const document = `
jobId: one
namespace: team
mode: stream
dag:
  - { id: first, type: raw-source, schema: { type: record, name: n, fields: [] }, meta: { name: f, code: f }, out: [map] }
  - { id: map, type: raw, meta: { name: f, code: f } }
`;

test('a controller with a signing key of the operator makes accounts, whose flows log in until they are revoked', async () => {
  const nats = await open(write('operator.nk', `${signingKey.seed}\n`), systemCredentials());
  const flow = planOf(document);
  await nats.streams.provision(flow);
  const files = await nats.logins.issue(flow);
  const login = () => loggedIn(server.url, files?.['nats.creds']);
  const connection = await login();
  const names: string[] = [];
  for await (const name of (await connection.jetstreamManager()).streams.names()) names.push(name);
  expect(names).toContain('KV_kflow_team_one__state');
  await nats.logins.revoke(flow);
  await connection.closed();
  await expect(login()).rejects.toMatchObject({ code: ErrorCode.AuthorizationViolation });
  await nats.close();
});

test('a key of another operator is refused, and the error says what is wanted', async () => {
  const file = write('other.nk', keyOf('operator', 'other').seed);
  await expect(open(file, systemCredentials())).rejects.toMatchObject({
    code: 'login-failed',
    message: expect.stringContaining('the key of the operator must be one that nats trusts'),
  });
});

test('credentials of another system account are refused, and the error names the folder', async () => {
  const credentials = systemCredentials(keyOf('account', 'signer of another'));
  await expect(open(write('operator.nk', signingKey.seed), credentials)).rejects.toMatchObject({
    code: 'login-failed',
    message: expect.stringContaining(`refused the login with nats.creds of ${credentials}`),
  });
});

test('a file without the key of an operator is refused without showing it', async () => {
  const { seed } = keyOf('account', 'none');
  const file = write('account.nk', seed);
  const refused = open(file, systemCredentials());
  await expect(refused).rejects.toMatchObject({
    code: 'config-invalid',
    message: `${file}: not the seed of an nkey of type operator`,
  });
  const missing = path.join(folder, 'missing.nk');
  await expect(open(missing, systemCredentials())).rejects.toMatchObject({
    code: 'config-invalid',
    message: `${missing}: cannot read the key of the operator: ENOENT`,
  });
});
