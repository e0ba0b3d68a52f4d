import { connect, ErrorCode, type NatsConnection } from 'nats';
import type { FlowEventView } from '../../../runtime/api-contract/flow-history';
import { ControllerPlace } from '../../support/controller-place';
import { loggedIn } from '../../support/logged-in';
import { waitFor } from '../../support/wait-for';

/** A login is renewed after half of this. */
const loginSeconds = 30;
let place: ControllerPlace;

beforeAll(async () => {
  place = await ControllerPlace.open({ loginHours: loginSeconds / 3_600 });
});

/** The file `nats.creds` of a flow's replicas. */
function credsOf(namespace: string, jobId: string): string {
  const secret = place.cluster.object({ namespace, jobId }, 'Secret', `${jobId}----nats`);
  const data = secret?.data as { readonly [key: string]: string } | undefined;
  return Buffer.from(data?.['nats.creds'] ?? '', 'base64').toString();
}

async function streamsOf(connection: NatsConnection): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const name of (await connection.jetstreamManager()).streams.names()) names.push(name);
  return names.sort();
}

test('replicas log in to the account of their namespace, and see its streams only', async () => {
  await place.running('team-a/one');
  await place.running('team-b/two');
  const connection = await waitFor('a login', () => loggedIn(place.nats.url, credsOf('team-a', 'one')));
  const names = await streamsOf(connection);
  await connection.close();
  expect(names).toContain('KV_kflow_team-a_one__state');
  expect(names.filter((name) => !name.includes('team-a'))).toEqual([]);
});

test('nobody gets in without a login', async () => {
  const refused = connect({ servers: place.nats.url, reconnect: false });
  await expect(refused).rejects.toMatchObject({ code: ErrorCode.AuthorizationViolation });
});

test('the login of a flow is renewed before it expires, without an end of its replicas', async () => {
  await place.running('team-a/renewed');
  const first = credsOf('team-a', 'renewed');
  await waitFor(
    'another login',
    () => credsOf('team-a', 'renewed'),
    (creds) => creds !== first,
  );
  const isRenewed = (events: readonly FlowEventView[]) => events.some(({ what }) => what === 'Renewed');
  await place.untilResponse('/kflows/v1/team-a/renewed/events', isRenewed);
  await (await waitFor('a login', () => loggedIn(place.nats.url, credsOf('team-a', 'renewed')))).close();
  await place.untilHealthy('team-a/renewed');
});

test('an expired login is refused', async () => {
  await place.running('team-a/expired');
  const first = credsOf('team-a', 'expired');
  await waitFor('the end of the login', () =>
    loggedIn(place.nats.url, first).then(
      (connection) => connection.close().then(() => false),
      () => true,
    ),
  );
});

test.each([
  ['deleted', ''],
  ['stopped', '?stop=true'],
])('the login of a %s flow is refused, and one that is submitted again gets another', async (jobId, query) => {
  await place.running(`team-a/${jobId}`);
  const before = credsOf('team-a', jobId);
  const connection = await waitFor('a login', () => loggedIn(place.nats.url, before));
  await place.call('DELETE', `/kflows/v1/team-a/${jobId}${query}`);
  await connection.closed();
  await expect(loggedIn(place.nats.url, before)).rejects.toMatchObject({ code: ErrorCode.AuthorizationViolation });
  await place.until(`team-a/${jobId}`, ({ closeTime }) => closeTime !== null);
  await place.running(`team-a/${jobId}`);
  await (await waitFor('a login', () => loggedIn(place.nats.url, credsOf('team-a', jobId)))).close();
});
