import { MemoryConnection } from '../../runtime/adapters/memory/memory-connection';
import { MemoryConsumer } from '../../runtime/adapters/memory/memory-consumer';
import { MemoryFlowState } from '../../runtime/adapters/memory/memory-flow-state';
import { MemoryPublisher } from '../../runtime/adapters/memory/memory-publisher';
import { MemoryStreams } from '../../runtime/adapters/memory/memory-streams';
import { describeRecordStreams } from './record-streams-suite';

describeRecordStreams('record streams in memory', async () => {
  const streams = new MemoryStreams();
  const consumers = new Map<string, MemoryConsumer>();
  const consumerOf = (name: string) => {
    const consumer = consumers.get(name) ?? new MemoryConsumer(streams.stream(name));
    consumers.set(name, consumer);
    return consumer;
  };
  return {
    open: async (name) => {
      streams.bind(`${name}.out`, name);
    },
    publisher: new MemoryPublisher({ streams, connection: new MemoryConnection() }),
    reader: async (name) => {
      const connection = new MemoryConnection();
      return { source: consumerOf(name).reader({ connection }), end: async () => connection.close() };
    },
    progress: async (name) => consumerOf(name).progress(),
    texts: async (name) => streams.stream(name).messages.map(({ payload }) => Buffer.from(payload).toString()),
    state: new MemoryFlowState(streams),
  };
});
