import type { NatsConnection } from 'nats';
import { OriginIndex } from '../../../../runtime/adapters/jetstream/origin-index';
import type { Delivery } from '../../../../runtime/engine/ports/delivery';
import { planOf, specOf } from '../../plan/planned';

const code = 'meta: { name: run, code: "def run(ctx, event): return event" }';
const schema = '{"type": "record", "name": "n", "fields": [{"name": "n", "type": "long"}]}';
const spec = specOf(
  planOf(`
jobId: origins
dag:
  - { id: in, type: raw-source, schema: '${schema}', ${code}, out: [map] }
  - { id: map, type: raw, ${code}, out: [leaf] }
  - { id: leaf, type: raw, ${code} }
`),
  'map',
);
const [input] = spec.inputs;
const { output } = spec;
if (input === undefined || output === undefined) throw new Error('map has no input or output');
const inputStream = input.stream;
const outputs = [output];

interface Start {
  readonly opt_start_seq?: number;
  readonly opt_start_time?: string;
}

/** An output stream: the message of index `n` has the sequence `n + 1` and was published at `1000 * n` ms. */
class Server {
  readonly ids: string[] = [];
  ackFloor = 0;
  /** Sequences of the messages that were read. */
  read: number[] = [];

  readonly connection = {
    jetstreamManager: async () => ({
      streams: { info: async () => ({ state: { last_seq: this.ids.length } }) },
      consumers: {
        info: async () => ({ ack_floor: { stream_seq: this.ackFloor }, delivered: { stream_seq: this.ackFloor } }),
      },
    }),
    jetstream: () => ({ consumers: { get: async (_stream: string, start: Start) => this.consumer(start) } }),
  } as unknown as NatsConnection;

  /** Yields at most two messages at a time. */
  private consumer({ opt_start_seq, opt_start_time }: Start) {
    let next = opt_start_seq ?? Math.ceil(Date.parse(opt_start_time ?? '') / 1_000) + 1;
    const pending = () => Math.max(0, this.ids.length - next + 1);
    const message = () => {
      const id = this.ids[next - 1];
      this.read.push(next++);
      return { headers: { get: () => id }, info: { pending: pending() } };
    };
    return {
      info: async () => ({ num_pending: pending() }),
      fetch: async () => Array.from({ length: Math.min(2, pending()) }, message),
      delete: async () => undefined,
    };
  }
}

let server: Server;
let index: OriginIndex;

beforeEach(() => {
  server = new Server();
  index = new OriginIndex(server.connection, spec, outputs);
});

async function publishedFor(sequence: number, timestampMs = 0): Promise<number[]> {
  const found = await index.publishedFor({ stream: inputStream, sequence, timestampMs } as Delivery);
  return [...found].sort();
}

test('finds every output of an input, and only those', async () => {
  server.ids.push(...[0, 1, 2].map((output) => `map:${inputStream}:5:${output}`), `map:${inputStream}:6:0`);
  expect(await publishedFor(5)).toEqual([0, 1, 2]);
  expect(await publishedFor(6)).toEqual([0]);
  expect(await publishedFor(7)).toEqual([]);
});

test('ignores outputs of other functions, epochs and input streams', async () => {
  server.ids.push(`other:${inputStream}:5:0`, `map@1:${inputStream}:5:1`, 'map:elsewhere:5:2', '');
  expect(await publishedFor(5)).toEqual([]);
});

test('reads each id once, and new ones when they are published', async () => {
  server.ids.push(`map:${inputStream}:5:0`);
  await publishedFor(5);
  await publishedFor(6);
  expect(server.read).toEqual([1]);
  server.ids.push(`map:${inputStream}:6:0`);
  expect(await publishedFor(6)).toEqual([0]);
  expect(server.read).toEqual([1, 2]);
});

test('reads from the time of the input, and further back for an older one', async () => {
  for (let output = 0; output < 4; output++) server.ids.push(`map:${inputStream}:${output + 1}:0`);
  expect(await publishedFor(3, 2_000)).toEqual([0]);
  expect(server.read).toEqual([3, 4]);
  expect(await publishedFor(2, 1_000)).toEqual([0]);
  expect(server.read).toEqual([3, 4, 2, 3, 4]);
});

test('forgets acked inputs, and keeps the others', async () => {
  server.ids.push(`map:${inputStream}:5:0`, `map:${inputStream}:6:0`);
  await publishedFor(5);
  server.ackFloor = 5;
  server.ids.push(`map:${inputStream}:4:0`);
  expect(await publishedFor(6)).toEqual([0]);
  expect(await publishedFor(5)).toEqual([]);
  expect(await publishedFor(4)).toEqual([]);
});
