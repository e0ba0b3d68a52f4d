import type { FlowPlan } from '../../../lib/plan/flow-plan';
import type { FunctionProgress } from '../../../runtime/controller/ports/streams';
import type { Drift } from '../../../runtime/engine/drift/drift';
import { readEnvironment } from '../../../runtime/replica/environment';
import { type ReplicaEnd, runReplica } from '../../../runtime/replica/replica';
import { planOf, specOf } from '../../unit/plan/planned';
import type { JetStreamPlace } from '../jetstream/jetstream-place';

const schema = { type: 'record', name: 'number', fields: [{ name: 'n', type: 'long' }] };

export interface FlowOptions {
  readonly mode: 'batch' | 'stream';
  readonly count: number;
  /** Body of the function `map`, of `event`. */
  readonly map?: string;
  /** Replicas of `map`. */
  readonly replicas?: number;
  readonly maxMsgs?: number;
}

/** source → map → leaf: numbers from 0, of which `map` makes other ones. */
function planNumbers(
  jobId: string,
  { mode, count, map = 'return event;', replicas = 1, maxMsgs }: FlowOptions,
): FlowPlan {
  const fn = (id: string, code: string) => ({
    id,
    type: 'raw',
    schema,
    meta: { language: 'javascript', name: 'run', code, maxDeliver: 1 },
  });
  const dag = [
    {
      ...fn('source', `function* run() { for (let n = 0; n < ${count}; n++) yield { n }; }`),
      type: 'raw-source',
      out: ['map'],
    },
    { ...fn('map', `async function run(ctx, event) { ${map} }`), parallelism: replicas, out: ['leaf'] },
    fn('leaf', 'function run() {}'),
  ];
  const stream = maxMsgs === undefined ? {} : { globalConfig: { stream: { maxMsgs } } };
  return planOf(JSON.stringify({ jobId, mode, dag, ...stream }));
}

/** A flow whose replicas run in this process. A replica that must start again does so, as under Kubernetes. */
export class RunningFlow {
  readonly logs: string[] = [];
  private readonly running = new Map<
    string,
    { readonly stopping: AbortController; readonly ended: Promise<ReplicaEnd> }
  >();

  private constructor(
    private readonly place: JetStreamPlace,
    readonly plan: FlowPlan,
    private readonly isWatched: boolean,
  ) {}

  static async provision(
    place: JetStreamPlace,
    jobId: string,
    options: FlowOptions & { readonly isWatched?: boolean },
  ): Promise<RunningFlow> {
    const plan = planNumbers(jobId, options);
    await place.streams.provision(plan);
    await place.streams.beginRun(plan);
    return new RunningFlow(place, plan, options.isWatched ?? true);
  }

  stream(id: string): string {
    return `kflow_default_${this.plan.jobId}_${id}`;
  }

  start(id: string, replica = 0): Promise<ReplicaEnd> {
    const stopping = new AbortController();
    const ended = this.keepRunning(id, replica, stopping.signal);
    this.running.set(`${id}-${replica}`, { stopping, ended });
    return ended;
  }

  async stop(id: string, replica = 0): Promise<void> {
    const found = this.running.get(`${id}-${replica}`);
    found?.stopping.abort();
    await found?.ended;
  }

  async close(): Promise<void> {
    for (const { stopping } of this.running.values()) stopping.abort();
    await Promise.all([...this.running.values()].map(({ ended }) => ended));
  }

  async progressOf(id: string): Promise<FunctionProgress> {
    const found = (await this.place.streams.progress(this.plan)).find((each) => each.function === id);
    if (found === undefined) throw new Error(`no function ${id}`);
    return found;
  }

  async drifts(id: string): Promise<readonly Drift[]> {
    return (await this.progressOf(id)).drifts ?? [];
  }

  async count(id: string): Promise<number> {
    return (await this.place.manager.streams.info(this.stream(id))).state.last_seq;
  }

  /** Input sequences of the outputs of `map`, in the order of the stream. */
  async mapped(): Promise<readonly number[]> {
    const consumer = await this.place.connection.jetstream().consumers.get(this.stream('map'), { headers_only: true });
    const left = (await consumer.info()).num_pending;
    const found: number[] = [];
    while (found.length < left) {
      for await (const message of await consumer.fetch({ max_messages: left - found.length, expires: 2_000 })) {
        found.push(Number(message.headers?.get('Nats-Msg-Id').split(':')[2]));
      }
    }
    return found;
  }

  private async keepRunning(id: string, replica: number, stop: AbortSignal): Promise<ReplicaEnd> {
    for (;;) {
      const end = await runReplica(
        specOf(this.plan, id),
        readEnvironment({
          KFLOW_SPEC: 'spec.json',
          KFLOW_NATS_URL: this.place.url,
          KFLOW_REPLICA: String(replica),
          KFLOW_WATCHED: String(this.isWatched),
        }),
        (level, text) => this.logs.push(`${level} ${id}-${replica} ${text}`),
        stop,
      );
      if (end.is !== 'outdated') return end;
    }
  }
}
