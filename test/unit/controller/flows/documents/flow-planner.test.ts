import { FlowPlanner } from '../../../../../runtime/controller/flows/documents/flow-planner';
import { chainTopology } from '../../../../support/chain-topology';
import { MemoryFlowStore } from '../../../../support/memory-flow-store';

const flow = { namespace: 'team', jobId: 'job' };
const text = JSON.stringify({ ...chainTopology(), ...flow });

/** A store that counts the documents read. */
class CountingStore extends MemoryFlowStore {
  reads = 0;

  override document(...args: Parameters<MemoryFlowStore['document']>): Promise<string> {
    this.reads += 1;
    return super.document(...args);
  }
}

test('a document is read and parsed once, even by concurrent calls', async () => {
  const store = new CountingStore();
  const planner = new FlowPlanner(store, {});
  const digest = await store.putDocument(flow, text);
  const [first, second] = await Promise.all([planner.topology(flow, digest), planner.topology(flow, digest)]);
  expect(second).toBe(first);
  expect((await planner.plan(flow, digest, { map: 2 })).jobId).toBe('job');
  expect(store.reads).toBe(1);
});

test('a document that could not be read is read again', async () => {
  const store = new CountingStore();
  const planner = new FlowPlanner(store, {});
  const digest = await new MemoryFlowStore().putDocument(flow, text);
  await expect(planner.topology(flow, digest)).rejects.toMatchObject({ code: 'document-missing' });
  await store.putDocument(flow, text);
  expect((await planner.topology(flow, digest)).jobId).toBe('job');
});
