import { JetStreamFlowStore } from '../../runtime/adapters/jetstream/flow-store/jetstream-flow-store';
import { testKey } from '../support/installation';
import { MemoryJetStream } from '../support/memory-jetstream';
import { describeFlowStore } from './flow-store-suite';

describeFlowStore('flows on a JetStream server in memory', () =>
  JetStreamFlowStore.open(new MemoryJetStream().connection, { replicas: 1, key: testKey() }),
);
