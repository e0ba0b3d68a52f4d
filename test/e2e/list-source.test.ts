import { LifePlace } from '../support/life-place';
import { waitFor } from '../support/wait-for';

let life: LifePlace;
beforeAll(async () => {
  life = await LifePlace.up();
});
afterAll(() => life.close());

const length = 100;

test('no request loses or repeats a record of a source that returns lists', async () => {
  const flow = life.flow('lists', 'stream');
  const document = (rate: number) =>
    flow.document(flow.lists({ length, rate, out: ['first'] }), flow.process('first', { out: ['sink'] }), flow.sink());
  // a list takes two seconds at this rate, so that most requests come in the middle of one
  const inList = async () => {
    const before = flow.log('source').length;
    await waitFor('another list', () => flow.log('source').length > before);
  };
  await life.submit(flow, document(50));
  await life.moving(flow, 'sink', 0);
  await life.request(flow, 'pause');
  await life.inPhase(flow, 'Paused');
  await life.request(flow, 'resume');
  await inList();
  await life.request(flow, 'scale', { replicas: { source: 2 } });
  await life.ready(flow, 'source', 2);
  await life.request(flow, 'scale', { replicas: { source: 1 } });
  await life.ready(flow, 'source', 1);
  await life.request(flow, 'restart');
  await inList();
  await life.update(document(60));
  await inList();
  await life.stop(flow);
  await life.submit(flow, document(60));
  await inList();
  flow.open('enough');
  const written = await waitFor(
    'every record',
    () => life.ledger(flow),
    (records) => records.length >= flow.log('source').length * length,
  );
  expect(written.map(({ n }) => n)).toEqual(Array.from({ length: flow.log('source').length * length }, (_, n) => n));
});
