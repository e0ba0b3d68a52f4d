import { type JetStreamManager, NatsError } from 'nats';
import type { FlowPlan } from '../../../../lib/plan/flow-plan';
import { provisionFlow } from '../../../../runtime/adapters/jetstream/provision';

const stream = {
  name: 'kflow_ns_job_in',
  role: 'output',
  subjects: ['kflow.ns.job.in.out'],
  maxMsgs: 1_000,
  maxBytes: 5_000_000,
  replicas: 3,
  dedupeWindowMs: 120_000,
  onDelete: 'keep',
  function: 'in',
} as const;
const consumer = {
  stream: stream.name,
  durable: 'map',
  subject: 'kflow.ns.job.in.out',
  ackWaitMs: 30_000,
  maxAckPending: 100,
  onDelete: 'keep',
  function: 'map',
} as const;
const plan: FlowPlan = {
  namespace: 'ns',
  jobId: 'job',
  mode: 'stream',
  streams: [stream],
  errorStreams: [],
  consumers: [consumer],
  stateBucket: 'kflow_state_ns_job',
  storage: { replicas: 3, onDelete: 'keep' },
  workloads: [],
  secrets: [],
  buckets: [],
};

const streamConfig = {
  name: 'kflow_ns_job_in',
  subjects: ['kflow.ns.job.in.out'],
  retention: 'limits',
  storage: 'file',
  discard: 'new',
  max_msgs: 1_000,
  max_bytes: 5_000_000,
  num_replicas: 3,
  duplicate_window: 120_000_000_000,
  allow_direct: true,
};
const consumerConfig = {
  durable_name: 'map',
  ack_policy: 'explicit',
  deliver_policy: 'all',
  filter_subject: 'kflow.ns.job.in.out',
  max_deliver: -1,
  ack_wait: 30_000_000_000,
  max_ack_pending: 100,
};

function bucketConfig(bucket: string) {
  return {
    name: `KV_${bucket}`,
    subjects: [`$KV.${bucket}.>`],
    storage: 'file',
    discard: 'new',
    max_msgs_per_subject: 1,
    allow_rollup_hdrs: true,
    deny_delete: true,
    allow_direct: true,
    num_replicas: 3,
  };
}

/** A server that refuses the creation of streams and consumers with a JetStream error code, if there is one. */
class Server {
  readonly added: object[] = [];
  readonly updated: object[] = [];
  streamError: number | undefined;
  consumerError: number | undefined;
  /** The settings of the consumer that exists. */
  consumer: object | undefined;
  /** Values of KV buckets by subject. */
  readonly notes = new Map<string, string>();

  readonly manager = {
    streams: {
      add: async (config: object) => this.add(config, this.streamError),
      update: async (name: string, config: object) => this.updated.push({ name, config }),
      info: async () => ({ created: 'then' }),
      getMessage: async (_bucket: string, { last_by_subj: subject }: { last_by_subj: string }) => {
        const text = this.notes.get(subject);
        if (text === undefined) throw new NatsError('no message found', '404');
        return { data: Buffer.from(text) };
      },
    },
    consumers: {
      info: async () => {
        if (this.consumer === undefined) throw new NatsError('consumer not found', '404');
        return { config: this.consumer };
      },
      add: async (of: string, config: object) => this.add({ of, config }, this.consumerError),
      update: async (of: string, durable: string, config: object) => this.updated.push({ of, durable, config }),
    },
  } as unknown as JetStreamManager;

  private add(what: object, code: number | undefined): void {
    this.added.push(what);
    if (code === undefined) return;
    const error = new NatsError('refused', '400');
    error.api_error = { code: 400, err_code: code, description: 'refused' };
    throw error;
  }
}

let server: Server;
beforeEach(() => {
  server = new Server();
});

test('creates streams that refuse messages when full, and consumers that redeliver without limit', async () => {
  await provisionFlow(server.manager, plan);
  expect(server.added).toEqual([
    bucketConfig('kflow_state_ns_job'),
    streamConfig,
    { of: stream.name, config: consumerConfig },
  ]);
  expect(server.updated).toEqual([]);
});

test('updates streams and consumers that differ, but not where a consumer starts', async () => {
  server.streamError = 10_058;
  server.consumer = { ack_wait: 15_000_000_000, max_ack_pending: 100 };
  await provisionFlow(server.manager, plan);
  expect(server.updated).toEqual([
    { name: 'KV_kflow_state_ns_job', config: { num_replicas: 3 } },
    { name: stream.name, config: streamConfig },
    { of: stream.name, durable: 'map', config: { ack_wait: 30_000_000_000, max_ack_pending: 100 } },
  ]);
});

test('leaves a consumer unchanged that is up to date', async () => {
  server.consumer = { ack_wait: 30_000_000_000, max_ack_pending: 100 };
  await provisionFlow(server.manager, plan);
  expect(server.added).toHaveLength(2);
  expect(server.updated).toEqual([]);
});

test.each([
  ['after its last noted ack floor', 'then', { deliver_policy: 'by_start_sequence', opt_start_seq: 8 }],
  ['at the first record of a stream that was recreated since', 'before', { deliver_policy: 'all' }],
])('creates a consumer that somebody removed %s', async (_title, created, start) => {
  const subject = `$KV.${plan.stateBucket}.floor.${stream.name}.map`;
  server.notes.set(subject, JSON.stringify({ stream: created, floor: 7, countsFrom: 3 }));
  await provisionFlow(server.manager, plan);
  const metadata = created === 'then' ? { metadata: { 'kflow-counts-from': '3' } } : {};
  expect(server.added.at(-1)).toEqual({ of: stream.name, config: { ...consumerConfig, ...start, ...metadata } });
});

test('fails with advice when the server has too little storage', async () => {
  server.streamError = 10_047;
  await expect(provisionFlow(server.manager, { ...plan, stateBucket: 'state' })).rejects.toMatchObject({
    code: 'stream-failed',
    message: expect.stringMatching(/lower globalConfig\.stream\.maxBytes, or raise max_file_store of nats$/),
  });
});

test('fails when a stream or a consumer is refused for another reason', async () => {
  server.consumerError = 10_013;
  await expect(provisionFlow(server.manager, plan)).rejects.toMatchObject({ code: 'stream-failed' });
  server.streamError = 10_052;
  await expect(provisionFlow(server.manager, plan)).rejects.toMatchObject({ code: 'stream-failed' });
  expect(server.updated).toEqual([]);
});
