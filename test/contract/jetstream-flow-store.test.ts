import { JetStreamFlowStore } from '../../runtime/adapters/jetstream/flow-store/jetstream-flow-store';
import { JetStreamPlace } from '../integration/jetstream/jetstream-place';
import { testKey } from '../support/installation';
import { describeFlowStore } from './flow-store-suite';

describeFlowStore('flows on a JetStream server', async () => {
  const { connection } = await JetStreamPlace.start();
  return JetStreamFlowStore.open(connection, { replicas: 1, key: testKey() });
});
