import { type JetStreamManager, NatsError } from 'nats';
import { readProgress } from '../../../../runtime/adapters/jetstream/read-progress';
import { readServer } from '../../../../runtime/adapters/jetstream/retry-request';
import { plannedFlow } from './planned-flow';

/** Streams with 100 messages, of which 40 are left; consumers of which 90 were delivered and 5 are not acked. */
class Server {
  readonly options: { readonly [stream: string]: unknown }[] = [];
  config: { readonly opt_start_seq?: number } = {};

  readonly manager = {
    streams: {
      info: async (stream: string, options?: object) => {
        if (options !== undefined) this.options.push({ [stream]: options });
        const subjects = { 'kflow.default.job.in.dead': 1, 'kflow.default.job.map.dead': 2 };
        const counts = { messages: 40, bytes: 4_000, last_seq: 100 };
        return { state: stream === 'kflow_default_job__dead' ? { ...counts, subjects } : counts };
      },
    },
    consumers: {
      info: async () => ({
        config: this.config,
        delivered: { stream_seq: 90 },
        num_ack_pending: 5,
        num_pending: 10,
      }),
    },
  } as unknown as JetStreamManager;

  async progress() {
    return new Map((await readProgress(this.manager, plannedFlow, readServer)).map((each) => [each.function, each]));
  }
}

let server: Server;
beforeEach(() => {
  server = new Server();
});

test('counts the records that are pending, not acked and acked in each input', async () => {
  const counts = { pending: 10, ackPending: 5, acked: 85 };
  const progress = await server.progress();
  expect(progress.get('in')?.inputs).toEqual([]);
  expect(progress.get('leaf')?.inputs).toEqual([
    { stream: 'kflow_default_job_map', from: 'map', ...counts },
    { stream: 'kflow_default_job_map_odd', from: 'map', ...counts },
  ]);
});

test('counts acked records since the last rewind, never fewer than none', async () => {
  const acked = async () => (await server.progress()).get('map')?.inputs.map((input) => input.acked);
  server.config = { opt_start_seq: 81 };
  expect(await acked()).toEqual([5]);
  server.config = { opt_start_seq: 91 };
  expect(await acked()).toEqual([0]);
});

test('returns the fill of the main output and of each side output', async () => {
  const fill = { lastSequence: 100, messages: 40, bytes: 4_000, usage: 0.04 };
  const progress = await server.progress();
  expect(progress.get('map')?.outputs).toEqual([
    { stream: 'kflow_default_job_map', ...fill },
    { stream: 'kflow_default_job_map_odd', ...fill },
  ]);
  expect(progress.get('leaf')?.outputs).toEqual([]);
});

test('counts the dead letters of each function', async () => {
  const progress = await server.progress();
  expect([...progress.values()].map(({ function: id, dead }) => [id, dead])).toEqual([
    ['in', 1],
    ['map', 2],
    ['leaf', 0],
  ]);
  expect(server.options).toEqual([{ kflow_default_job__dead: { subjects_filter: '>' } }]);
});

test('fails when a stream cannot be read', async () => {
  server.manager.streams.info = async () => {
    throw new NatsError('stream not found', '404');
  };
  await expect(server.progress()).rejects.toMatchObject({ code: 'stream-failed' });
});
