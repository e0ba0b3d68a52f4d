import { ControllerPlace } from '../../support/controller-place';

let place: ControllerPlace;

beforeAll(async () => {
  place = await ControllerPlace.open({ namespaces: ['known'] });
});

test('flows of a namespace that nats has no account for fail with the remedy, and those of others run', async () => {
  await place.submit('unknown/one');
  await place.running('known/two');
  const { reason } = await place.untilIn('unknown/one', 'Failed');
  expect(reason).toContain('nats has no account for the namespace unknown');
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
