import { deadLetterStream, deadLetterSubject, stateBucket } from '../../lib/plan/names';
import { JetStreamLetters } from '../../runtime/adapters/jetstream/letters/jetstream-letters';
import { JetStreamPlace } from '../integration/jetstream/jetstream-place';
import { publishLetter } from '../support/dead-letter';
import { describeLetters } from './letters-suite';

let place: JetStreamPlace;
afterAll(() => place.close());

describeLetters('letters on a nats-server', async () => {
  place = await JetStreamPlace.start();
  const { connection, manager } = place;
  return {
    letters: await JetStreamLetters.open(connection),
    open: async (flow) => {
      await manager.streams.add({ name: deadLetterStream(flow), subjects: [deadLetterSubject(flow, '*')] });
      await connection.jetstream().views.kv(stateBucket(flow));
    },
    add: (flow, functionId, text) => publishLetter(connection, flow, { functionId, text }),
  };
});
