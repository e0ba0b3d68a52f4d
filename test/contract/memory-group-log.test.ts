import { MemoryGroupLog, MemoryGroups } from '../../runtime/adapters/memory/memory-group-log';
import { describeGroupLog } from './group-log-suite';

describeGroupLog('a log of groups in memory', async () => {
  const shared = new MemoryGroups();
  const ids = new Set<string>();
  return {
    open: async () => new MemoryGroupLog(shared, { hasOutput: (id) => ids.has(id) }),
    store: async ({ id }) => void ids.add(id),
  };
});
