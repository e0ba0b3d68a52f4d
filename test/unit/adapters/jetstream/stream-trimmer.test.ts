import type { JetStreamManager, NatsConnection } from 'nats';
import { consumerProgress, StreamTrimmer } from '../../../../runtime/adapters/jetstream/stream-trimmer';
import { planOf, specOf } from '../../plan/planned';

const code = 'meta: { name: run, code: "def run(ctx, event): return event" }';
const schema = '{"type": "record", "name": "n", "fields": [{"name": "n", "type": "long"}]}';
const { output } = specOf(
  planOf(`
jobId: trim
dag:
  - { id: in, type: raw-source, schema: '${schema}', ${code}, out: [fast, slow] }
  - { id: fast, type: raw, ${code} }
  - { id: slow, type: raw, ${code} }
`),
  'in',
);
if (output === undefined) throw new Error('nobody reads the source');
const [fast = '', slow = ''] = output.durables;

/** A server with one stream of 1,000 messages, which is its limit. All of them are delivered to every reader. */
function server(ackFloors: { readonly [durable: string]: number }, messages = 1_000) {
  const purges: { stream: string; seq: number }[] = [];
  const requested: string[] = [];
  const state = { messages, bytes: 0, first_seq: 1, last_seq: messages };
  const manager = {
    streams: {
      info: async () => ({ state, config: { max_msgs: 1_000, max_bytes: -1 } }),
      purge: async (stream: string, { seq }: { seq: number }) => {
        purges.push({ stream, seq });
        return { purged: seq - 1 };
      },
    },
    consumers: {
      info: async (_stream: string, durable: string) => {
        requested.push(durable);
        const floor = ackFloors[durable];
        if (floor === undefined) throw new Error('consumer not found');
        const delivered = { stream_seq: messages };
        return { ack_floor: { stream_seq: floor }, delivered, num_ack_pending: messages - floor, num_pending: 0 };
      },
    },
  };
  const connection = { info: { max_payload: 1_000 }, jetstreamManager: async () => manager };
  return { purges, requested, connection: connection as unknown as NatsConnection };
}

test.each([
  ['the first reader', { [fast]: 20, [slow]: 900 }],
  ['the second reader', { [fast]: 900, [slow]: 20 }],
])('purges nothing that %s has not acked', async (_slowest, floors) => {
  const { purges, connection } = server(floors);
  expect(await new StreamTrimmer(connection, output).trim()).toBe(20);
  expect(purges).toEqual([{ stream: output.stream, seq: 21 }]);
});

test('purges down to half of the limit', async () => {
  const { purges, connection } = server({ [fast]: 1_000, [slow]: 1_000 });
  await new StreamTrimmer(connection, output).trim();
  expect(purges).toEqual([{ stream: output.stream, seq: 501 }]);
});

test('does not read the consumers of a stream with room', async () => {
  const { purges, requested, connection } = server({ [fast]: 800, [slow]: 800 }, 800);
  expect(await new StreamTrimmer(connection, output).trim()).toBe(0);
  expect([purges, requested]).toEqual([[], []]);
});

test('purges nothing when a consumer cannot be read', async () => {
  const { purges, connection } = server({ [fast]: 900 });
  await expect(new StreamTrimmer(connection, output).trim()).rejects.toThrow('consumer not found');
  expect(purges).toEqual([]);
});

test('trims once at a time', async () => {
  const { purges, connection } = server({ [fast]: 1_000, [slow]: 1_000 });
  const trimmer = new StreamTrimmer(connection, output);
  expect(await Promise.all([trimmer.trim(), trimmer.trim()])).toEqual([500, 0]);
  expect(purges).toHaveLength(1);
});

test('reports what a reader has acked separately from what was delivered to it', async () => {
  const info = { ack_floor: { stream_seq: 3 }, delivered: { stream_seq: 8 }, num_ack_pending: 5, num_pending: 2 };
  const manager = { consumers: { info: async () => info } } as unknown as JetStreamManager;
  const progress = await consumerProgress(manager, output.stream, fast);
  expect(progress).toEqual({ ackFloor: 3, delivered: 8, ackPending: 5, pending: 2 });
});
