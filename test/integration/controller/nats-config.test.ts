import { accountsConfig } from '../../../runtime/adapters/nats-accounts/server-config';
import type { FlowStatus } from '../../../runtime/api-contract/flow-status';
import { ControllerPlace } from '../../support/controller-place';
import { kflow } from '../../unit/cli/support';

let place: ControllerPlace;

beforeAll(async () => {
  place = await ControllerPlace.open({ namespaces: ['known'] });
});

test('flows of a namespace that nats has no account for say what to do, and those of others run', async () => {
  await place.submit('unknown/one');
  await place.running('known/two');
  const isWaiting = ({ reason }: FlowStatus) =>
    reason?.includes('nats has no account for the namespace unknown') === true;
  const { reason } = await place.until('unknown/one', isWaiting);
  expect(reason).toContain('kflow nats-config');
  expect(await place.status('known/two')).toMatchObject({ status: 'Running', health: { state: 'healthy' } });
});

test('a flow runs once nats has read what kflow nats-config prints for its namespace', async () => {
  await place.running('known/four');
  const before = await place.status('known/four');
  await place.submit('late/four');
  await place.until('late/four', ({ reason }) => reason?.includes('no account for the namespace late') === true);
  const printed = await kflow('nats-config', '--key-file', place.keyFile, '--namespaces', 'known,late');
  place.reconfigureNats((text) => text.replace(accountsConfig(place.keys, ['known']), printed.stdout));
  await place.untilHealthy('late/four');
  expect(await place.status('known/four')).toMatchObject({ status: 'Running', startTime: before.startTime });
});

test('replicas log in with the nkey that the configuration has for their namespace', async () => {
  await place.running('known/three');
  const secret = place.cluster.object({ namespace: 'known', jobId: 'three' }, 'Secret', 'three----nats');
  const data = secret?.data as { readonly [key: string]: string };
  expect(
    Buffer.from(data.nkey ?? '', 'base64')
      .toString()
      .trim(),
  ).toBe(place.keys.ofFlowsIn('known').seed);
});
