import { type NatsConnection, NatsError } from 'nats';
import { JetStreamStreams } from '../../../../runtime/adapters/jetstream/jetstream-streams';
import { plannedFlow } from './planned-flow';

/** A server whose streams have messages below the subjects of the flow. */
class Server {
  readonly deleted: string[] = [];

  constructor(private readonly names: readonly string[]) {}

  private readonly manager = {
    streams: {
      names: (subject: string) => {
        expect(subject).toBe('kflow.default.job.>');
        return this.names;
      },
      delete: async (name: string) => {
        if (!this.names.includes(name)) throw new NatsError('stream not found', '404');
        this.deleted.push(name);
      },
    },
  };

  readonly connection = { jetstreamManager: async () => this.manager } as unknown as NatsConnection;
}

const state = `KV_${plannedFlow.stateBucket}`;
const planned = plannedFlow.streams.map(({ name }) => name);

test('removes the streams of the flow and of its earlier plans, and the state bucket last', async () => {
  const server = new Server([state, ...planned, 'kflow_default_job_gone']);
  await (await JetStreamStreams.open(server.connection)).remove(plannedFlow);
  expect([...server.deleted].sort()).toEqual([state, ...planned, 'kflow_default_job_gone'].sort());
  expect(server.deleted.at(-1)).toBe(state);
});

test('removes no stream of another flow or of the user', async () => {
  const server = new Server([...planned, 'kflow_default_job2_in', 'kflow_default_jobs', 'archive']);
  await (await JetStreamStreams.open(server.connection)).remove(plannedFlow);
  expect([...server.deleted].sort()).toEqual([...planned].sort());
});
