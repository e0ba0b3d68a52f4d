import { consumersOf } from '../../../lib/plan/partitions';
import { JetStreamFlowState } from '../../../runtime/adapters/jetstream/jetstream-flow-state';
import { DriftNotes } from '../../../runtime/adapters/jetstream/keepers/drift-notes';
import { InputKeeper } from '../../../runtime/adapters/jetstream/keepers/input-keeper';
import { waitFor } from '../../support/wait-for';
import { specOf } from '../../unit/plan/planned';
import { JetStreamPlace } from '../jetstream/jetstream-place';
import { RunningFlow } from './running-flow';

let place: JetStreamPlace;

beforeAll(async () => {
  place = await JetStreamPlace.start();
});
afterAll(() => place.close());

test('a replica that knows a lower floor than another one keeps the consumer which that one recreated', async () => {
  const { manager, connection } = place;
  const flow = await RunningFlow.provision(place, 'two', { mode: 'batch', count: 30 });
  void flow.start('source');
  const stream = flow.stream('source');
  await waitFor('all records', async () => (await flow.count('source')) === 30);
  await flow.stop('source');
  const [early, late] = [await openKeeper(flow), await openKeeper(flow)];
  const consumer = await connection.jetstream().consumers.get(stream, 'map');
  for (let record = 0; record < 20; record++) await (await consumer.next())?.ackAck();
  await late.check();

  await manager.consumers.delete(stream, 'map');
  await late.check();
  const recreated = await manager.consumers.info(stream, 'map');
  await early.check();

  expect(recreated.config.opt_start_seq).toBe(21);
  expect((await manager.consumers.info(stream, 'map')).created).toBe(recreated.created);
  expect((await flow.drifts('map')).map(({ reason }) => reason)).toEqual(['ConsumerRecreated']);
});

/** The keeper of a replica of `map` that has no records. */
async function openKeeper(kept: RunningFlow): Promise<InputKeeper> {
  const { connection, manager } = place;
  const spec = specOf(kept.plan, 'map');
  const [input] = spec.inputs.flatMap(consumersOf);
  if (input === undefined) throw new Error('map has no input');
  const keeper = new InputKeeper({
    connection,
    manager,
    spec,
    input,
    puller: { skipTo: () => undefined, abandon: () => undefined },
    drifts: new DriftNotes(connection, spec),
    isWatched: true,
    state: await JetStreamFlowState.of(connection, spec.stateBucket),
    warn: () => undefined,
  });
  await keeper.open();
  return keeper;
}
