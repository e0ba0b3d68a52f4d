import { connectNats } from '../../runtime/adapters/jetstream/access/connect-nats';
import { AckLedger } from '../../runtime/adapters/jetstream/ack-ledger';
import { JetStreamFlowState } from '../../runtime/adapters/jetstream/jetstream-flow-state';
import { MessagePuller } from '../../runtime/adapters/jetstream/message-puller';
import { JetStreamPublisher } from '../../runtime/adapters/jetstream/publishing/publisher';
import { consumerProgress } from '../../runtime/adapters/jetstream/stream-trimmer';
import { JetStreamPlace } from '../integration/jetstream/jetstream-place';
import { closeAfterFile } from '../support/close-after-file';
import { describeRecordStreams } from './record-streams-suite';

const durable = 'reader';

describeRecordStreams('record streams of JetStream', async () => {
  const place = await JetStreamPlace.start();
  const publisher = new JetStreamPublisher(place.connection, () => undefined);
  closeAfterFile('a publisher', async () => publisher.close());
  return {
    open: async (name) => {
      await place.stream(name);
      await place.consumer(name, durable, 1_000);
    },
    publisher,
    reader: async (stream) => {
      const connection = await connectNats({ url: place.url }, 'reader');
      const acks = new AckLedger(connection);
      const source = new MessagePuller(connection, acks, { stream, durable });
      const end = async () => {
        acks.close();
        source.stop();
        await connection.close();
      };
      return { source, end };
    },
    progress: (stream) => consumerProgress(place.manager, stream, durable),
    texts: (stream) => place.texts(stream),
    state: await JetStreamFlowState.open(place.connection, 'contract'),
  };
});
