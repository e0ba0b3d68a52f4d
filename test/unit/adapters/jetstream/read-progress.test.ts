import { type JetStreamManager, NatsError } from 'nats';
import { readProgress } from '../../../../runtime/adapters/jetstream/read-progress';
import { readServer } from '../../../../runtime/adapters/jetstream/retry-request';
import { plannedFlow } from './planned-flow';

const failedAt = '2026-01-31T08:00:00.000Z';

/** Streams with 100 messages, of which 40 are left; consumers of which 90 were delivered and 5 are not acked. */
class Server {
  readonly options: { readonly [stream: string]: unknown }[] = [];
  config: { readonly opt_start_seq?: number } = {};
  /** Streams that do not exist. */
  removed: readonly string[] = [];
  /** The flow's state by key. */
  readonly values = new Map<string, string>();
  /** Start and subject of the consumers that were created to count messages. */
  readonly counted: (readonly [number, string])[] = [];
  /** Start and subject of the letters whose time was read. */
  readonly oldest: (readonly [number, string])[] = [];

  readonly manager = {
    streams: {
      info: async (stream: string, options?: object) => {
        if (options !== undefined) this.options.push({ [stream]: options });
        if (this.removed.includes(stream)) throw new NatsError('stream not found', '404');
        const keys = [...this.values.keys()].filter((key) => key.startsWith('drift.'));
        const subjects = {
          kflow_default_job__dead: { 'kflow.default.job.in.dead': 1, 'kflow.default.job.map.dead': 2 },
          kflow_default_job__redrive: { 'kflow.default.job.map.redrive.61': 1, 'kflow.default.job.maps.redrive.9': 1 },
          KV_kflow_default_job__state: Object.fromEntries(
            keys.map((key) => [`$KV.kflow_default_job__state.${key}`, 1]),
          ),
        };
        const counts = { messages: 40, bytes: 4_000, first_seq: 61, last_seq: 100 };
        const own = Object.entries(subjects).find(([name]) => name === stream)?.[1];
        return { config: { name: stream }, state: own === undefined ? counts : { ...counts, subjects: own } };
      },
      getMessage: async (_stream: string, query: { last_by_subj: string; next_by_subj?: string; seq?: number }) => {
        const { last_by_subj: subject, next_by_subj: letters, seq } = query;
        if (letters !== undefined) {
          this.oldest.push([seq ?? 0, letters]);
          return { header: { get: () => failedAt }, time: new Date(0) };
        }
        const text = this.values.get(subject.replace('$KV.kflow_default_job__state.', ''));
        if (text === undefined) throw new NatsError('no message found', '404');
        return { data: Buffer.from(text) };
      },
    },
    consumers: {
      add: async (_stream: string, config: { readonly opt_start_seq: number; readonly filter_subject: string }) => {
        this.counted.push([config.opt_start_seq, config.filter_subject]);
        return { name: 'count', num_pending: 1 };
      },
      delete: async () => true,
      info: async (stream: string) => {
        if (this.removed.includes(stream)) throw new NatsError('consumer not found', '404');
        return {
          config: this.config,
          delivered: { stream_seq: 90 },
          num_ack_pending: 5,
          num_pending: 10,
        };
      },
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
  expect(server.options).toContainEqual({ kflow_default_job__dead: { subjects_filter: '>' } });
  expect(progress.get('map')).toMatchObject({ oldestDead: failedAt, redriving: 1 });
  expect(progress.get('in')).not.toHaveProperty('redriving');
  expect(progress.get('leaf')).not.toHaveProperty('oldestDead');
});

test('does not count the dead letters of earlier runs', async () => {
  server.values.set('run', '2');
  server.values.set('letters.2', '80');
  const progress = await server.progress();
  expect([...progress.values()].map(({ dead }) => dead)).toEqual([1, 1, 0]);
  expect(server.counted).toEqual([
    [81, 'kflow.default.job.in.dead'],
    [81, 'kflow.default.job.map.dead'],
  ]);
});

test('lists what somebody has removed, and counts the rest', async () => {
  server.removed = ['kflow_default_job_map'];
  const progress = await server.progress();
  expect(progress.get('map')?.missing).toEqual(['stream kflow_default_job_map']);
  expect(progress.get('leaf')?.missing).toEqual(['consumer leaf of kflow_default_job_map']);
  expect(progress.get('leaf')?.inputs.map(({ stream }) => stream)).toEqual(['kflow_default_job_map_odd']);
  expect(progress.get('in')?.missing).toBeUndefined();
});

test('returns what was changed from outside, and does not count removed records as processed', async () => {
  const drift = {
    id: 'kflow_default_job_in-1',
    function: 'map',
    reason: 'RecordsRemoved',
    message: 'gone',
    at: '2026-01-01T00:00:00Z',
    lost: 20,
  };
  server.values.set('drift.map.kflow_default_job_in-1', JSON.stringify(drift));
  const progress = await server.progress();
  expect(progress.get('map')?.drifts).toEqual([drift]);
  expect(progress.get('map')?.inputs.map(({ acked }) => acked)).toEqual([65]);
  expect(progress.get('leaf')?.drifts).toBeUndefined();
});

test('fails when a stream cannot be read', async () => {
  server.manager.streams.info = async () => {
    throw new NatsError('not allowed', '403');
  };
  await expect(server.progress()).rejects.toMatchObject({ code: 'stream-failed' });
});
