import { ErrorCode, type JetStreamManager, type KV, NatsError } from 'nats';
import { rewindConsumer, startFloorOf } from '../../../../runtime/adapters/jetstream/rewind-consumer';
import type { RewindStart as AnyStart } from '../../../../runtime/controller/ports/streams';
import { planOf } from '../../plan/planned';

type RewindStart = Exclude<AnyStart, { readonly from: 'letters' }>;

const code = 'meta: { name: run, code: "def run(ctx, event): return event" }';
const schema = '{"type": "record", "name": "n", "fields": [{"name": "n", "type": "long"}]}';
const [consumer] = planOf(`
jobId: rewind
dag:
  - { id: in, type: raw-source, schema: '${schema}', ${code}, out: [leaf] }
  - { id: leaf, type: raw, ${code} }
`).consumers;
if (consumer === undefined) throw new Error('no consumer planned');
const planned = consumer;

/** A stream of the sequences 11 to 20 with one consumer. */
class Server {
  readonly stateBucket = 'state';
  readonly values = new Map<string, string>();
  started: number | undefined;
  /** Makes the next creation of the durable fail. */
  isInterrupted = false;

  constructor(public ackFloor: number | undefined) {}

  readonly bucket = {
    get: async (key: string) => {
      const text = this.values.get(key);
      return text === undefined ? null : { operation: 'PUT', string: () => text };
    },
    put: async (key: string, text: string) => this.values.set(key, text),
    purge: async (key: string) => this.values.delete(key),
  } as unknown as KV;

  readonly manager = {
    streams: {
      info: async () => ({ state: { first_seq: 11, last_seq: 20 } }),
      getMessage: async (_stream: string, { last_by_subj: subject }: { last_by_subj: string }) => {
        const text = this.values.get(subject.replace('$KV.state.', ''));
        if (text === undefined) throw new NatsError('no message found', ErrorCode.JetStream404NoMessages);
        return { data: Buffer.from(text) };
      },
    },
    consumers: {
      info: async () => {
        if (this.ackFloor === undefined) throw new NatsError('consumer not found', ErrorCode.JetStream404NoMessages);
        return { ack_floor: { stream_seq: this.ackFloor } };
      },
      delete: async (_stream: string, name: string) => {
        if (name === planned.durable) this.ackFloor = undefined;
      },
      add: async (_stream: string, config: { durable_name?: string; opt_start_seq?: number }) => {
        if (config.durable_name === undefined) return { name: 'lookup', delivered: { stream_seq: 14 } };
        if (this.isInterrupted) throw new Error('killed');
        this.started = config.opt_start_seq;
        return {};
      },
    },
  } as unknown as JetStreamManager;
}

function rewind(server: Server, start: RewindStart): Promise<void> {
  return rewindConsumer(server, planned, start);
}

test.each<[string, RewindStart, number, number]>([
  ['at the first stored message', { from: 'first' }, 18, 11],
  ['at a sequence', { from: 'sequence', sequence: 13 }, 18, 13],
  ['at the first stored message instead of a trimmed one', { from: 'sequence', sequence: 5 }, 18, 11],
  ['after the last message when the sequence is not stored yet', { from: 'sequence', sequence: 99 }, 20, 21],
  ['at the first message since a time', { from: 'time', time: '2026-01-01T00:00:00Z' }, 18, 15],
  ['at the first unacked message instead of a later one', { from: 'sequence', sequence: 18 }, 12, 13],
])('starts %s', async (_title, start, ackFloor, expected) => {
  const server = new Server(ackFloor);
  await rewind(server, start);
  expect(server.started).toBe(expected);
});

test('skips no unacked message when it is retried after the deletion of the consumer', async () => {
  const server = new Server(12);
  server.isInterrupted = true;
  await expect(rewind(server, { from: 'sequence', sequence: 18 })).rejects.toThrow('killed');
  expect(server.ackFloor).toBeUndefined();
  server.isInterrupted = false;
  await rewind(server, { from: 'sequence', sequence: 18 });
  expect([server.started, server.values.size]).toEqual([13, 0]);
});

test('starts a consumer that does not exist at the beginning of the stream', async () => {
  const server = new Server(undefined);
  await rewind(server, { from: 'first' });
  expect(server.started).toBe(1);
});

test.each([
  [undefined, 0],
  [1, 0],
  [13, 12],
])('reads the floor of a consumer that starts at %s', (start, floor) => {
  expect(startFloorOf(start === undefined ? {} : { opt_start_seq: start })).toBe(floor);
});

test('starts after the noted ack floor when somebody has removed the consumer, and forgets the note', async () => {
  const server = new Server(undefined);
  const key = `floor.${planned.stream}.${planned.durable}`;
  server.values.set(key, JSON.stringify({ floor: 14 }));
  await rewind(server, { from: 'sequence', sequence: 18 });
  expect(server.started).toBe(15);
  expect(server.values.has(key)).toBe(false);
});

test('counts acked records from where they were counted before a consumer was recreated', () => {
  expect(startFloorOf({ opt_start_seq: 15, metadata: { 'kflow-counts-from': '3' } })).toBe(3);
  expect(startFloorOf({ opt_start_seq: 15, metadata: {} })).toBe(14);
});
