import { JetStreamGroupLog } from '../../runtime/adapters/jetstream/groups/jetstream-group-log';
import { JetStreamFlowState } from '../../runtime/adapters/jetstream/jetstream-flow-state';
import type { Delivery } from '../../runtime/engine/ports/delivery';
import { inputOf, outputOf } from '../integration/engine/engine-replica';
import { JetStreamPlace } from '../integration/jetstream/jetstream-place';
import { waitFor } from '../support/wait-for';
import { mapSpec } from '../unit/plan/planned';
import { describeGroupLog } from './group-log-suite';

let place: JetStreamPlace;
let count = 0;
beforeAll(async () => {
  place = await JetStreamPlace.start();
});
afterAll(() => place.close());

async function openPlace() {
  const [output, stateBucket] = [`out-${++count}`, `groups-${count}`];
  await place.stream(output);
  await JetStreamFlowState.open(place.connection, stateBucket);
  const spec = mapSpec({ inputs: [inputOf('in')], output: outputOf(output), stateBucket });
  const { connection } = place;
  return {
    stateBucket,
    spec,
    open: (created = new Date(0)) =>
      JetStreamGroupLog.open({ connection, spec, inputsCreated: [created], warn: () => undefined }),
    store: async ({ id, payload }: { readonly id: string; readonly payload: Uint8Array }) =>
      void (await connection.jetstream().publish(`${output}.out`, payload, { msgID: id })),
  };
}

describeGroupLog('a log of groups on a nats-server', openPlace);

const at = (sequence: number) => ({ stream: 'in', sequence, timestampMs: Date.now() }) as Delivery;

test('outputs that are larger than a message of the server are found again, and removed when they are stored', async () => {
  const { open, spec, stateBucket } = await openPlace();
  const log = await open();
  const outputs = [1, 2, 3].map((n) => ({ id: `map:in:${n}:0`, payload: Buffer.alloc(1_500_000, n) }));
  const group = await log.write({ records: [at(1), at(2), at(3)], outputs });
  const found = await (await (await open()).find(at(2)))?.missing();
  expect(
    found?.map(({ id, payload }) => [id, Buffer.from(payload).equals(Buffer.alloc(1_500_000, Number(id[7])))]),
  ).toEqual(outputs.map(({ id }) => [id, true]));
  const keys = async () => {
    const filter = { subjects_filter: `$KV.${stateBucket}.group.${spec.function}.>` };
    return Object.keys((await place.manager.streams.info(`KV_${stateBucket}`, filter)).state.subjects ?? {}).length;
  };
  expect(await keys()).toBeGreaterThan(8);
  group?.stored();
  await log.close();
  await waitFor('the outputs are removed', async () => (await keys()) === 0);
});

test('a recreated input stream has other records', async () => {
  const { open } = await openPlace();
  await (await open()).write({ records: [at(1)], outputs: [] });
  const later = await open(new Date(1_000));
  expect(await later.find(at(1))).toBeUndefined();
  expect(await later.write({ records: [at(1)], outputs: [] })).toBeDefined();
});
