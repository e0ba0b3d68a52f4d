import { headers } from 'nats';
import { deadLetterStream, deadLetterSubject, stateBucket } from '../../lib/plan/names';
import { JetStreamLetters } from '../../runtime/adapters/jetstream/letters/jetstream-letters';
import { encodeLetter } from '../../runtime/engine/letters/letter-headers';
import { noHistory } from '../../runtime/engine/letters/letter-history';
import { JetStreamPlace } from '../integration/jetstream/jetstream-place';
import { describeLetters } from './letters-suite';

let place: JetStreamPlace;
afterAll(() => place.close());

let sequence = 0;
const at = '2026-01-31T08:00:00.000Z';

describeLetters('letters on a nats-server', async () => {
  place = await JetStreamPlace.start();
  const { connection, manager } = place;
  return {
    letters: await JetStreamLetters.open(connection),
    open: async (flow) => {
      await manager.streams.add({ name: deadLetterStream(flow), subjects: [deadLetterSubject(flow, '*')] });
      await connection.jetstream().views.kv(stateBucket(flow));
    },
    add: async (flow, functionId, text) => {
      const facts = encodeLetter({
        function: functionId,
        stream: 'in',
        sequence: ++sequence,
        storedAt: at,
        writer: functionId,
        deliveries: 1,
        failedAt: at,
        reason: 'exception',
        errorType: 'E',
        error: 'no',
        replica: 'r',
        stored: '',
        history: noHistory,
      });
      const head = headers();
      for (const [name, value] of Object.entries(facts)) head.set(name, value);
      await connection.jetstream().publish(deadLetterSubject(flow, functionId), text, { headers: head });
    },
  };
});
