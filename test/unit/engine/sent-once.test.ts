import type { Delivery } from '../../../runtime/engine/ports/delivery';
import { failure, open, stage, turn } from './loop-stage';

/** The delivery of a sequence. */
function messageOf(sequence: number): Delivery {
  return stage.sources[0]?.deliveries.get(sequence) as Delivery;
}

test('a failure is the last one where the sender repeats the work', async () => {
  const { publisher } = open({ failsOnce: true });
  const answers = await stage.begin(1);
  stage.loop.failed(stage.idOf(1), failure);
  publisher.store(0);
  expect(answers).toEqual(['ack']);
});

test('a crash is the last attempt, too, of the record that was alone in the host', async () => {
  const { publisher } = open({ failsOnce: true });
  const answers = await stage.begin(1);
  await stage.crash();
  expect(publisher.sent[0]?.headers).toMatchObject({ 'Kflow-Reason': 'crashed' });
  publisher.store(0);
  expect(answers).toEqual(['ack']);
});

test('a cancel reaches the code of the record, which goes on', async () => {
  open({ failsOnce: true });
  const answers = await stage.begin(1);
  stage.loop.cancel(messageOf(1));
  expect(stage.host.canceled).toEqual([stage.idOf(1)]);
  stage.loop.done(stage.idOf(1));
  expect(answers).toEqual(['ack']);
});

test('an abort fails one record, and its neighbors run again in a new host', async () => {
  const { publisher } = open({ failsOnce: true });
  const aborted = await stage.begin(1);
  const neighbor = await stage.begin(2);
  stage.loop.abort(messageOf(1), failure);
  await turn();
  expect(stage.hostAt(0).host.isKilled).toBe(true);
  expect(stage.sequencesIn(1)).toEqual([2]);
  publisher.store(0);
  stage.loop.done(stage.idOf(2));
  expect([aborted, neighbor]).toEqual([['ack'], ['ack']]);
});
