import { ObjectStoreError } from '../../../runtime/adapters/s3/object-store-error';
import type { SinkContext, SinkType } from '../../../runtime/connectors/connector';
import { planOf, specOf, written } from '../../unit/plan/planned';
import type { ConnectorPlace } from './connector-place';

/** The records of the suite: `n` identifies one, `text` is its content. */
export interface SinkValue {
  readonly n: number;
  readonly text: string;
}

/** The system that one sink writes into. */
export interface SinkSystem {
  /** The context of a replica that starts now, of a sink with two inputs whose streams were created then. */
  context(inputsCreated: readonly [Date, Date]): Promise<SinkContext>;
  /** The records that the system holds, in any order. */
  contents(): Promise<readonly SinkValue[]>;
  /** From now on, the system refuses records with this `n`, and no others. */
  refuse(n: number): void;
  /** Every write fails until `repair`. */
  break(): void;
  repair(): void;
}

export interface SinkFixture {
  /**
   * Whether a redelivered record replaces the stored one. If not, the sink stores the record again or ignores it, and
   * everything stored before stays.
   */
  readonly overwrites: boolean;
  open(place: ConnectorPlace): Promise<SinkSystem>;
}

/** The system of each sink type. A sink type without one does not compile. */
export const sinkFixtures: { readonly [Type in SinkType]: SinkFixture } = {
  's3-sink': { overwrites: true, open: openBucket },
};

const schema = '{"type": "record", "name": "item", "fields": [{"name": "n", "type": "long"}]}';
const code = 'meta: { name: run, code: "def run(ctx, event): return event" }';

/** The spec of a sink with two inputs, from the rest of its entry in the `dag`. */
export function sinkSpec(sink: string) {
  const source = (id: string) => `{ id: ${id}, type: raw-source, schema: '${schema}', out: [sink], ${code} }`;
  const dag = [source('left'), source('right'), `{ id: sink, ${sink} }`].join(', ');
  return specOf(planOf(`{ jobId: contract, dag: [${dag}] }`), 'sink');
}

async function openBucket(place: ConnectorPlace): Promise<SinkSystem> {
  const bucket = await place.bucket();
  const spec = sinkSpec(`type: s3-sink, topics: "s3a://${bucket.name}/results", ${written}`);
  const refused = new Set<number>();
  const parseValue = (body: Uint8Array) => JSON.parse(Buffer.from(body).toString()) as SinkValue;
  const store: typeof bucket.store = {
    list: (...args) => bucket.store.list(...args),
    put: async (name, key, body, contentType) => {
      if (refused.has(parseValue(body).n)) {
        const call = { address: 'test', verb: 'put', bucket: name, key };
        throw new ObjectStoreError('refused', call, { text: 'the object is refused' });
      }
      await bucket.store.put(name, key, body, contentType);
    },
  };
  return {
    context: async (inputsCreated) => ({
      spec,
      endpoint: { store, topics: spec.endpoint?.topics ?? '' },
      inputsCreated,
      log: () => undefined,
    }),
    contents: async () => {
      const values: SinkValue[] = [];
      for await (const { key } of bucket.store.list(bucket.name, 'results/')) {
        values.push(parseValue(await bucket.read(key)));
      }
      return values;
    },
    refuse: (n) => refused.add(n),
    break: () => bucket.break(),
    repair: () => bucket.repair(),
  };
}
