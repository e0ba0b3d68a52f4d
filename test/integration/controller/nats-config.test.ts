import type { FlowStatus } from '../../../runtime/api-contract/flow-status';
import { ControllerPlace } from '../../support/controller-place';

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
