import { MemoryCluster } from '../../bench/memory-cluster';
import { describeCluster } from './cluster-suite';

describeCluster('the cluster in memory', async () => {
  const cluster = new MemoryCluster();
  return {
    cluster,
    namespace: 'trial',
    behave: async (flow, functionId, how) => cluster.behave(flow, functionId, how),
    close: () => cluster.close(),
  };
});
