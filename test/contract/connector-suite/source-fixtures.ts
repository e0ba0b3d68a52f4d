import { FunctionError } from '../../../lib/errors';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { s3list } from '../../../lib/topology/function-types/fs-source';
import type { Endpoint, SourceContext, SourceType } from '../../../runtime/connectors/connector';
import { AvroSchemaCodec } from '../../../runtime/engine/avro-message';
import type { Generated } from '../../../runtime/engine/ports/host';
import { planOf, specOf, written } from '../../unit/plan/planned';
import type { ConnectorPlace, SourceState } from './connector-place';

/** What a replica of the source is started with. */
export interface ReplicaOptions {
  readonly mode: FunctionSpec['mode'];
  readonly replica: number;
  readonly replicas: number;
  readonly checkpoint: boolean;
}

/** The system behind one source, with the state that its replicas leave. Items are numbered from 0. */
export interface SourceSystem {
  readonly state: SourceState;
  /** Adds the next `count` items. */
  add(count: number): Promise<void>;
  /** The context of a replica that starts now. */
  context(options: ReplicaOptions): Promise<SourceContext>;
  /** The number of the item that a payload describes. */
  itemOf(payload: Uint8Array): number;
  /** Every use of the system fails until `repair`. */
  break(): void;
  repair(): void;
}

export interface SourceFixture {
  /** Whether the replicas share the items. If not, each replica emits all of them, with ids of its own. */
  readonly replicasShareItems: boolean;
  /** Whether a source with a checkpoint emits an item only once, over all runs. */
  readonly hasCheckpoint: boolean;
  open(place: ConnectorPlace): Promise<SourceSystem>;
}

/** The system of each source type. A source type without one does not compile. */
export const sourceFixtures: { readonly [Type in SourceType]: SourceFixture } = {
  'fs-source': { replicasShareItems: true, hasCheckpoint: true, open: openBucket },
  'raw-source': { replicasShareItems: false, hasCheckpoint: false, open: openGenerator },
};

const schema = { type: 'record', name: 'item', fields: [{ name: 'n', type: 'long' }] };
const code = 'meta: { name: run, code: "def run(ctx, event): return None" }';

function sourceSpec(source: string): FunctionSpec {
  const leaf = `{ id: leaf, type: raw, ${code} }`;
  return specOf(planOf(`{ jobId: contract, dag: [{ id: source, out: [leaf], ${source} }, ${leaf}] }`), 'source');
}

async function contextOf<E extends Endpoint>(
  spec: FunctionSpec,
  endpoint: E,
  { replica, ...options }: ReplicaOptions,
  state: SourceState,
  generate: SourceContext['generate'],
): Promise<SourceContext<E>> {
  return {
    spec: { ...spec, ...options },
    endpoint,
    replica,
    run: await state.run(),
    listing: (ever) => state.listing(ever, { replica, replicas: options.replicas }),
    recentIds: async () => [],
    position: () => state.position(replica),
    generate,
    log: () => undefined,
  };
}

/** Items are the objects below a prefix; what lies beside them belongs to others. */
async function openBucket(place: ConnectorPlace): Promise<SourceSystem> {
  const bucket = await place.bucket();
  const codec = new AvroSchemaCodec(s3list);
  const spec = sourceSpec(`type: fs-source, topics: "s3a://${bucket.name}/in", format: list, ${written}`);
  const state = await place.sourceState(spec.function);
  const noCode = () => Promise.reject(new Error('an fs-source has no code'));
  let count = 0;
  for (const key of ['a-first', 'in-between/x', 'out/last']) await bucket.store.put(bucket.name, key, Buffer.from(key));
  return {
    state,
    add: async (more) => {
      const numbers = Array.from({ length: more }, () => count++);
      const put = (n: number) => bucket.store.put(bucket.name, `in/${n}`, Buffer.from(String(n)));
      for (let from = 0; from < more; from += 50) await Promise.all(numbers.slice(from, from + 50).map(put));
    },
    context: (options) =>
      contextOf(spec, { store: bucket.store, topics: spec.endpoint?.topics ?? '' }, options, state, noCode),
    itemOf: (payload) => Number((codec.decode(payload) as { key: string }).key.replace(/^in\//, '')),
    break: () => bucket.break(),
    repair: () => bucket.repair(),
  };
}

/** Items are the records of a generator, in slices as a host makes them. In stream mode, the generator never returns. */
async function openGenerator(place: ConnectorPlace): Promise<SourceSystem> {
  const codec = new AvroSchemaCodec(schema);
  const spec = sourceSpec(`type: raw-source, schema: '${JSON.stringify(schema)}', ${code}`);
  const state = await place.sourceState(spec.function);
  const payloads: Uint8Array[] = [];
  let failure: Error | undefined;
  let wake: () => void = () => undefined;
  const generator = (isEndless: boolean) => {
    let next = 0;
    return async (): Promise<Generated> => {
      while (isEndless && next === payloads.length && failure === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (failure !== undefined) throw failure;
      const slice = payloads.slice(next, next + 256);
      next += slice.length;
      return { payloads: slice, ended: !isEndless && next === payloads.length, isRepeatable: true };
    };
  };
  return {
    state,
    add: async (more) => {
      for (let added = 0; added < more; added++) payloads.push(codec.encode({ n: payloads.length }) ?? Buffer.of());
      wake();
    },
    context: (options) => contextOf(spec, undefined, options, state, generator(options.mode === 'stream')),
    itemOf: (payload) => (codec.decode(payload) as { n: number }).n,
    break: () => {
      failure = new FunctionError('function-failed', 'ValueError: dry');
    },
    repair: () => {
      failure = undefined;
    },
  };
}
