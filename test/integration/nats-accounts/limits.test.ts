import type { JetStreamManager } from 'nats';
import { waitFor } from '../../support/wait-for';
import { type AccountsKind, AccountsPlace } from './accounts-place';

const mebibyte = 1024 ** 2;
/** What the whole server may store. */
const jetstream = 'max_file_store: 67108864';

async function managersOf(
  kind: AccountsKind,
): Promise<{ readonly mallory: JetStreamManager; readonly team: JetStreamManager }> {
  const limits = { storageBytes: 16 * mebibyte, connections: 5 };
  const place = await AccountsPlace.start({ kind, namespaces: ['team', 'mallory'], limits, jetstream });
  const of = async (namespace: string) => (await place.flow({ namespace, jobId: 'one' })).jetstreamManager();
  return { mallory: await of('mallory'), team: await of('team') };
}

const reserved = { name: 'all', subjects: ['all'], max_bytes: 64 * mebibyte };
/** The server's code for `insufficient storage resources available`. */
const noStorage = { api_error: { err_code: 10_047 } };
const needed = { name: 'some', subjects: ['some'], max_bytes: 4 * mebibyte };

test('without accounts, one flow takes the storage of all', async () => {
  const { mallory, team } = await managersOf('open');
  await mallory.streams.add(reserved);
  await expect(team.streams.add(needed)).rejects.toMatchObject(noStorage);
});

test.each(['operator', 'config'] as const)(
  'with accounts by %s, a namespace takes no more than its own',
  async (kind) => {
    const { mallory, team } = await managersOf(kind);
    await expect(mallory.streams.add(reserved)).rejects.toMatchObject(noStorage);
    await team.streams.add(needed);
  },
);

test.each(['operator', 'config'] as const)(
  'with accounts by %s, a namespace has no more connections than its own',
  async (kind) => {
    const place = await AccountsPlace.start({ kind, namespaces: ['team', 'mallory'], limits: { connections: 2 } });
    const login = (namespace: string) => {
      const flow = { namespace, jobId: 'one' };
      const user = kind === 'config' ? place.keys.ofFlowsIn(namespace) : place.keys.ofFlow(flow);
      return place.connect(place.loginOf(place.keys.ofNamespace(namespace), user));
    };
    await login('mallory');
    await login('mallory');
    await expect(login('mallory')).rejects.toThrow(); // the client may not have read why the server ends the connection
    await waitFor('the server says why', () => place.log().includes('maximum account active connections exceeded'));
    await login('team');
  },
);
