import { type JetStreamManager, NatsError } from 'nats';
import { ackFloorOf, inputProgress } from '../../../../runtime/adapters/jetstream/partitions/input-progress';
import { readProgress } from '../../../../runtime/adapters/jetstream/read-progress';
import { readServer } from '../../../../runtime/adapters/jetstream/retry-request';
import { isFinished } from '../../../../runtime/engine/completion';
import { planOf, specOf } from '../../plan/planned';

const code = 'meta: { name: run, code: "def run(ctx, event): return event" }';
const schema = '{"type": "record", "name": "n", "fields": [{"name": "n", "type": "long"}]}';
const plan = planOf(`
jobId: job
dag:
  - { id: in, type: raw-source, schema: '${schema}', partitionBy: n, ${code}, out: [leaf] }
  - { id: leaf, type: raw, ${code} }
`);
const [input] = specOf(plan, 'leaf').inputs;
if (input === undefined) throw new Error('the leaf reads nothing');

/** The counts of a partition's consumer: every message up to the floor is acked. */
interface Counts {
  readonly floor?: number;
  readonly delivered?: number;
  readonly ackPending?: number;
  readonly pending?: number;
}

/** A stream of 100 messages. The sequences of each partition that has some. */
function server(
  partitions: { readonly [partition: number]: Counts },
  sequences: { readonly [n: number]: number[] } = {},
) {
  const manager = {
    streams: {
      info: async (name: string) => ({
        config: { name },
        state: { messages: 100, bytes: 0, first_seq: 1, last_seq: 100 },
      }),
      getMessage: async (_stream: string, query: { readonly seq: number; readonly next_by_subj: string }) => {
        const partition = Number(query.next_by_subj.split('.').at(-1));
        const seq = (sequences[partition] ?? []).find((sequence) => sequence >= query.seq);
        if (seq === undefined) throw new NatsError('no message found', '404');
        return { seq };
      },
    },
    consumers: {
      info: async (_stream: string, durable: string) => {
        const {
          floor = 0,
          delivered = floor,
          ackPending = 0,
          pending = 0,
        } = partitions[Number(durable.slice(6))] ?? {};
        return {
          config: {},
          ack_floor: { stream_seq: floor },
          delivered: { stream_seq: delivered },
          num_ack_pending: ackPending,
          num_pending: pending,
        };
      },
    },
  };
  return manager as unknown as JetStreamManager;
}

const finishedAt = async (sealedAt: number, manager: JetStreamManager) => {
  const progress = await inputProgress(manager, input);
  return progress !== undefined && isFinished(sealedAt, progress);
};

test('ends an input when the messages of every partition are acked, wherever its last one is', async () => {
  const sequences = { 0: [3, 40], 1: [100] };
  expect(await finishedAt(100, server({ 0: { floor: 40 }, 1: { floor: 100 } }, sequences))).toBe(true);
  expect(await finishedAt(100, server({ 0: { floor: 40 }, 1: { floor: 80, pending: 1 } }, sequences))).toBe(false);
  expect(
    await finishedAt(100, server({ 0: { floor: 3, delivered: 40, ackPending: 1 }, 1: { floor: 100 } }, sequences)),
  ).toBe(false);
});

test('does not end an input whose consumer does not know of a message yet', async () => {
  expect(await finishedAt(100, server({ 0: { floor: 40 }, 1: { floor: 80 } }, { 0: [40], 1: [80, 100] }))).toBe(false);
});

test('the ack floor of an input is below the first message that is not acked, whatever partitions have none', async () => {
  const sequences = { 0: [3, 40, 60], 1: [50] };
  expect(await ackFloorOf(server({ 0: { floor: 40 }, 1: { floor: 50 } }, sequences), input)).toBe(59);
  expect(await ackFloorOf(server({ 0: { floor: 60 } }, sequences), input)).toBe(49);
  expect(await ackFloorOf(server({ 0: { floor: 60 }, 1: { floor: 50 } }, sequences), input)).toBe(100);
});

test('counts the records of all partitions', async () => {
  const manager = server({ 0: { floor: 3, delivered: 40, ackPending: 2, pending: 7 }, 9: { floor: 90, pending: 11 } });
  const [, leaf] = await readProgress(manager, { ...plan, streams: plan.streams.slice(0, 1) }, readServer);
  expect(leaf?.inputs).toEqual([{ stream: input.stream, from: 'in', pending: 18, ackPending: 2, acked: 80 }]);
});
