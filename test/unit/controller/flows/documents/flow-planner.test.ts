import { FlowPlanner } from '../../../../../runtime/controller/flows/documents/flow-planner';
import { readFlowDocument } from '../../../../../runtime/controller/flows/documents/read-flow-document';
import type { MachineServers, NamedServer, Substitute } from '../../../../../runtime/controller/ports/machine-servers';
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

test('on one machine, substitutes that were decided take the place of servers in every plan', async () => {
  const asked: NamedServer[] = [];
  const of = ({ connectsTo, addr }: NamedServer): Substitute | undefined => {
    if (addr === 'localhost:9200') return undefined;
    return connectsTo === 'search-server' ? { addr: 'http://127.0.0.1:7' } : {};
  };
  const machine: MachineServers = {
    decide: async (server) => {
      asked.push(server);
      return of(server);
    },
    of,
  };
  const schema = '{"type": "record", "name": "r", "fields": []}';
  const topology = readFlowDocument(
    JSON.stringify({
      ...flow,
      dag: [
        {
          id: 'source',
          type: 'raw-source',
          schema,
          meta: { name: 'f', code: 'def f(): pass' },
          out: ['own', 'es', 'nats'],
        },
        { id: 'own', type: 'elastic-sink', addr: 'localhost:9200', topics: 'one' },
        { id: 'es', type: 'elastic-sink', addr: 'search.example:9200', topics: 'two', user: 'me', password: 'x' },
        { id: 'nats', type: 'nats-sink', addr: 'nats://nats.example:4222', topics: 'three.in' },
      ],
    }),
    flow,
  );
  const planner = new FlowPlanner(new MemoryFlowStore(), {}, machine);
  expect(await planner.settleServers(topology)).toEqual([
    { index: 2, message: 'es writes to http://127.0.0.1:7, on this machine, not to search.example:9200' },
    { index: 3, message: 'nats writes to the nats of this machine, not to nats://nats.example:4222' },
  ]);
  expect(asked).toHaveLength(3);
  const targets = planner.planOf(topology).workloads.map(({ spec }) => spec.target?.addr);
  expect(targets).toEqual([undefined, 'localhost:9200', 'http://127.0.0.1:7', undefined]);
});
