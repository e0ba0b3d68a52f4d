import type { NatsConnection } from 'nats';
import type { FlowPlan } from '../../../lib/plan/flow-plan';
import { connectNats } from '../../../runtime/adapters/jetstream/access/connect-nats';
import { JetStreamFlowState } from '../../../runtime/adapters/jetstream/jetstream-flow-state';
import { JetStreamPublisher } from '../../../runtime/adapters/jetstream/publishing/publisher';
import { readIds } from '../../../runtime/adapters/jetstream/read-ids';
import type { ListOptions, ObjectStore } from '../../../runtime/connectors/connector';
import { connector } from '../../../runtime/connectors/fs-source';
import { OutputWriter } from '../../../runtime/engine/output-writer';
import { SourceLoop } from '../../../runtime/engine/source-loop';
import { readEnvironment } from '../../../runtime/replica/environment';
import { sourceContext } from '../../../runtime/replica/replica-context';
import { ManualHost } from '../../support/engine-ports';
import { MemoryObjectStore } from '../../support/memory-object-store';
import { waitFor } from '../../support/wait-for';
import { planOf, specOf, written } from '../../unit/plan/planned';
import { JetStreamPlace } from '../jetstream/jetstream-place';

/** What a replica is killed at, and how often it happens before. */
interface Death {
  readonly at: 'listing' | 'publish' | 'publish ack' | 'note' | 'note ack';
  readonly after: number;
}

const objects = 2_600;
const bucket = 'bucket';

let place: JetStreamPlace;
let flows = 0;
beforeAll(async () => {
  place = await JetStreamPlace.start();
});
afterAll(() => place.close());

/** A flow whose source lists a bucket in memory, and whose stream forgets ids at once. */
class ListingFlow {
  private constructor(
    readonly plan: FlowPlan,
    readonly store: MemoryObjectStore,
    readonly stream: string,
  ) {}

  static async open(mode: 'batch' | 'stream', checkpoint: boolean): Promise<ListingFlow> {
    const jobId = `listing-${++flows}`;
    const plan = planOf(`
jobId: ${jobId}
mode: ${mode}
dag:
  - { id: source, type: fs-source, topics: "s3a://${bucket}/in", format: list, ${written}, meta: { checkpoint: ${checkpoint} }, out: [leaf] }
  - { id: leaf, type: raw, meta: { name: run, language: javascript, code: "function run() {}" } }
`);
    await place.streams.provision(plan);
    const store = new MemoryObjectStore();
    await store.ensureBucket(bucket);
    const flow = new ListingFlow(plan, store, `kflow_default_${jobId}_source`);
    await flow.add(0, objects);
    return flow;
  }

  async add(from: number, to: number): Promise<void> {
    for (let n = from; n < to; n++) await this.store.put(bucket, `in/${String(n).padStart(6, '0')}`, Buffer.from('x'));
  }

  async ids(): Promise<readonly string[]> {
    const ids: string[] = [];
    const { state } = await place.manager.streams.info(this.stream);
    if (state.messages > 0)
      await readIds(place.connection, { stream: this.stream, start: { after: 0 } }, (id) => ids.push(id));
    return ids;
  }
}

/** A replica of the source that is killed at a moment: its connection ends, and nothing else is sent. */
class MortalSource {
  /** Ids that it has published. */
  readonly published: string[] = [];
  isDead = false;
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private publisher: JetStreamPublisher | undefined;

  private constructor(
    private readonly flow: ListingFlow,
    private readonly connection: NatsConnection,
    private death: Death | undefined,
  ) {}

  static async start(flow: ListingFlow, death?: Death): Promise<MortalSource> {
    const connection = await connectNats({ url: place.url }, 'mortal');
    const source = new MortalSource(flow, connection, death);
    await source.open();
    return source;
  }

  async ended(): Promise<void> {
    await this.running;
    this.publisher?.close();
    await this.connection.close();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.ended();
  }

  private async open(): Promise<void> {
    const { connection, flow } = this;
    const spec = specOf(flow.plan, 'source');
    const state = await JetStreamFlowState.open(connection, spec.stateBucket);
    const publisher = this.mortal(new JetStreamPublisher(connection), spec.output?.subject ?? '');
    this.publisher = publisher;
    const log = () => undefined;
    const env = {
      KFLOW_SPEC: 'spec',
      KFLOW_NATS_URL: place.url,
      [spec.endpoint?.userEnv ?? '']: 'u',
      [spec.endpoint?.passwordEnv ?? '']: 'p',
    };
    const context = await sourceContext(
      { spec, environment: readEnvironment(env), log, links: { connection, state, publisher } },
      new ManualHost(),
    );
    const endpoint = { store: this.mortalStore(), topics: spec.endpoint?.topics ?? '' };
    const source = await connector.open({ ...context, endpoint });
    const writer = new OutputWriter(publisher, { maxPayload: 100_000 });
    const letters = { put: () => undefined };
    const counters = { in: 0, out: 0, failed: 0, dead: 0 };
    const loop = new SourceLoop({
      spec,
      writer,
      letters,
      counters,
      log,
      noteLoss: async () => undefined,
      graceMs: 60_000,
    });
    this.running = loop.run(source, this.stopping.signal);
    this.running.catch(() => undefined);
  }

  private isNext(at: Death['at']): boolean {
    if (this.death?.at !== at) return false;
    this.death = { ...this.death, after: this.death.after - 1 };
    return this.death.after < 0;
  }

  private die(): void {
    this.isDead = true;
    this.publisher?.close();
    void this.connection.close();
  }

  private mortal(publisher: JetStreamPublisher, output: string): JetStreamPublisher {
    const publish = publisher.publish.bind(publisher);
    publisher.publish = (outgoing, settle) => {
      const isOutput = outgoing.subject === output;
      if (!this.isDead && this.isNext(isOutput ? 'publish' : 'note')) this.die();
      if (this.isDead) return;
      if (isOutput) this.published.push(outgoing.id);
      publish(outgoing, (result) => {
        if (!this.isDead && this.isNext(isOutput ? 'publish ack' : 'note ack')) this.die();
        if (!this.isDead) settle(result);
      });
    };
    return publisher;
  }

  private mortalStore(): ObjectStore {
    const { store } = this.flow;
    const isLast = () => this.isDead || this.isNext('listing');
    const die = () => this.die();
    async function* list(from: string, prefix?: string, options?: ListOptions) {
      for await (const object of store.list(from, prefix, options)) {
        if (isLast()) {
          die();
          await new Promise(() => undefined);
        }
        yield object;
      }
    }
    return { list, put: () => Promise.reject(new Error('not a sink')) };
  }
}

const deaths: readonly Death[] = [
  { at: 'listing', after: 1_700 },
  { at: 'publish', after: 0 },
  { at: 'publish', after: 1_300 },
  { at: 'publish ack', after: 0 },
  { at: 'publish ack', after: 1_300 },
  { at: 'note', after: 0 },
  { at: 'note', after: 1 },
  { at: 'note ack', after: 0 },
];

describe.each([
  ['batch', false],
  ['batch', true],
  ['stream', false],
  ['stream', true],
] as const)('an fs-source in %s mode, with checkpoint: %s', (mode, checkpoint) => {
  test.each(deaths)('that is killed at a $at, after $after, emits each object once', async (death) => {
    const flow = await ListingFlow.open(mode, checkpoint);
    const killed = await MortalSource.start(flow, death);
    await waitFor('its death', () => killed.isDead);
    const before = new Set(await flow.ids());
    const source = await MortalSource.start(flow);
    if (mode === 'batch') await source.ended();
    else {
      await waitFor('every object', async () => (await flow.ids()).length >= objects);
      await flow.add(objects, objects + 100);
      await waitFor('the objects that were added', async () => (await flow.ids()).length >= objects + 100);
      await source.stop();
    }
    const ids = await flow.ids();
    const expected = mode === 'batch' ? objects : objects + 100;
    expect([ids.length, new Set(ids).size]).toEqual([expected, expected]);
    // without the help of the stream, which drops an id that it has had a short time ago
    expect(source.published.filter((id) => before.has(id))).toEqual([]);
    const again = await MortalSource.start(flow);
    if (mode === 'batch') await again.ended();
    else await again.stop();
    expect(again.published).toEqual([]);
  });
});
