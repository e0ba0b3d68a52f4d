import { ErrorCode, type NatsConnection } from 'nats';
import { LoginLedger } from '../../../runtime/adapters/nats-accounts/login-ledger';
import { NamespaceLinks } from '../../../runtime/adapters/nats-accounts/namespace-links';
import {
  OperatorAccounts,
  type OperatorAccountsProps,
} from '../../../runtime/adapters/nats-accounts/operator-accounts';
import { closeAfterFile } from '../../support/close-after-file';
import { loggedIn } from '../../support/logged-in';
import { waitFor } from '../../support/wait-for';
import { AccountsPlace } from './accounts-place';

let place: AccountsPlace;

beforeAll(async () => {
  place = await AccountsPlace.start({ kind: 'operator', namespaces: [] });
});

/** The accounts as one replica of a controller has them. */
async function accounts(more: Partial<OperatorAccountsProps> = {}): Promise<OperatorAccounts> {
  const opened = await OperatorAccounts.open({
    access: { url: place.url },
    keys: place.keys,
    listener: {},
    lifetimeSeconds: 3_600,
    replicas: 1,
    ...more,
  });
  closeAfterFile('the accounts of a controller', () => opened.close());
  return opened;
}

const login = (files: { readonly [file: string]: string }) => loggedIn(place.url, files['nats.creds']);

test('two controllers give a flow the same login', async () => {
  const [one, other] = [await accounts(), await accounts()];
  const flow = { namespace: 'same', jobId: 'job' };
  expect(await other.issue(flow)).toEqual(await one.issue(flow));
});

test('controllers that revoke at the same time lose no revocation', async () => {
  const controllers = [await accounts(), await accounts(), await accounts()];
  const [one] = controllers as [OperatorAccounts];
  await (await one.connect('busy')).close();
  const flows = Array.from({ length: 12 }, (_, index) => ({ namespace: 'busy', jobId: `job${index}` }));
  const logins = await Promise.all(flows.map((flow) => one.issue(flow)));
  for (const each of logins) await (await login(each)).close();
  await Promise.all(flows.map((flow, index) => controllers[index % controllers.length]?.revoke(flow)));
  for (const each of logins) {
    await expect(login(each)).rejects.toMatchObject({ code: ErrorCode.AuthorizationViolation });
  }
});

test('a controller whose own tokens expire goes on with new ones', async () => {
  const reports: string[] = [];
  const listener = {
    accepted: () => reports.push('accepted'),
    refused: () => reports.push('refused'),
    trouble: (text: string) => reports.push(text),
  };
  /** Tokens are valid for an hour; so many seconds of it are left, more if the connects take longer. */
  const open = async (secondsLeft: number): Promise<OperatorAccounts> => {
    reports.length = 0;
    const clock = jest.spyOn(Date, 'now').mockReturnValue(Date.now() - (3_600 - secondsLeft) * 1_000);
    return accounts({ listener })
      .finally(() => clock.mockRestore())
      .catch((error) => {
        if (secondsLeft > 60) throw error;
        return open(2 * secondsLeft);
      });
  };
  const controller = await open(8);
  await waitFor('the connection is back', () => reports.length > 0);
  const flow = { namespace: 'later', jobId: 'job' };
  await (await controller.connect('later')).close();
  await (await login(await controller.issue(flow))).close();
  expect(reports).toEqual(['accepted']);
});

test('a login that is issued after a revocation gets in, and nothing is revoked that was never issued', async () => {
  const controller = await accounts();
  const flow = { namespace: 'again', jobId: 'job' };
  await (await controller.connect('again')).close();
  await controller.revoke(flow);
  const first = await controller.issue(flow);
  await controller.revoke(flow);
  const second = await controller.issue(flow);
  await expect(login(first)).rejects.toMatchObject({ code: ErrorCode.AuthorizationViolation });
  await (await login(second)).close();
});

/** When the login expires, in seconds since 1970. */
function expiryOf(files: { readonly [file: string]: string }): number {
  const [, claims = ''] = /\n[\w-]+\.([\w-]+)\.[\w-]+\n/.exec(files['nats.creds'] ?? '') ?? [];
  return JSON.parse(Buffer.from(claims, 'base64url').toString()).exp;
}

test('a login keeps its own time when controllers start to give logins more time', async () => {
  const flow = { namespace: 'longer', jobId: 'job' };
  const [short, long] = [await accounts({ lifetimeSeconds: 2 }), await accounts({ lifetimeSeconds: 86_400 })];
  const first = await short.issue(flow);
  await waitFor('half of the time of the login', async () =>
    (await long.due()).some((due) => due.jobId === flow.jobId),
  );
  expect(expiryOf(await long.issue(flow))).toBeGreaterThan(expiryOf(first) + 80_000);
});

test('a login that is valid for longer than logins are now is renewed', async () => {
  const flow = { namespace: 'shorter', jobId: 'job' };
  const [long, short] = [await accounts({ lifetimeSeconds: 86_400 }), await accounts({ lifetimeSeconds: 2 })];
  const first = await long.issue(flow);
  await waitFor('the login to be due', async () => (await short.due()).some((due) => due.namespace === 'shorter'));
  expect(expiryOf(await short.issue(flow))).toBeLessThan(expiryOf(first) - 80_000);
});

test('a user stays revoked until the last of its logins expires', async () => {
  const controller = await accounts();
  const ledger = await LoginLedger.open(controller.connection, 1);
  await ledger.revoke('kept', 'long', { at: 100, expiresAt: 5_000 }, 100);
  await ledger.revoke('kept', 'long', { at: 200, expiresAt: 300 }, 200);
  await ledger.revoke('kept', 'short', { at: 300, expiresAt: 400 }, 300);
  await ledger.revoke('kept', 'other', { at: 4_000, expiresAt: 4_100 }, 4_000);
  expect((await ledger.revocations('kept')).users).toEqual({ long: 200, other: 4_000 });
  await ledger.revoke('kept', 'last', { at: 6_000, expiresAt: 6_100 }, 6_000);
  expect((await ledger.revocations('kept')).users).toEqual({ last: 6_000 });
});

test('of too many revocations, those of the logins that expire first are dropped', async () => {
  const controller = await accounts();
  const ledger = await LoginLedger.open(controller.connection, 1);
  const many = Object.fromEntries(
    Array.from({ length: 4_096 }, (_, index) => [`user${index}`, { at: 100, expiresAt: 1_000 + index }]),
  );
  const values = await controller.connection.jetstream().views.kv('kflow_logins');
  await values.put('revoked.many', JSON.stringify(many));
  await ledger.revoke('many', 'last', { at: 200, expiresAt: 900 }, 200);
  const { users } = await ledger.revocations('many');
  expect(Object.keys(users)).toHaveLength(4_096);
  expect(users).toMatchObject({ last: 200, user4095: 100, user1: 100 });
});

test('a controller serves a hundred namespaces, and closes the connections that it does not use', async () => {
  const controller = await accounts();
  const opened: NatsConnection[] = [];
  const links = new NamespaceLinks(async (namespace) => {
    const connection = await controller.connect(namespace);
    opened.push(connection);
    return connection;
  });
  const namespaces = Array.from({ length: 100 }, (_, index) => `namespace-${index}`);
  const busy = links.use('namespace-0', async ({ connection }) => {
    await Promise.all(namespaces.map((namespace) => links.use(namespace, async (link) => link.connection.flush())));
    await links.closeIdle(Date.now() + 1);
    return connection.isClosed();
  });
  expect(await busy).toBe(false);
  expect(opened).toHaveLength(100);
  expect(opened.filter((connection) => !connection.isClosed())).toHaveLength(1);
  await links.close();
  expect(opened.filter((connection) => !connection.isClosed())).toEqual([]);
});

test('a namespace whose account cannot be reached fails only its own calls', async () => {
  const controller = await accounts();
  const links = new NamespaceLinks(async (namespace) => {
    if (namespace === 'broken') throw new Error('refused');
    return controller.connect(namespace);
  });
  const calls = ['broken', 'sound', 'broken'].map((namespace) => links.use(namespace, async () => namespace));
  const results = await Promise.allSettled(calls);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected']);
  await links.close();
});
