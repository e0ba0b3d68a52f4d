import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { ObjectStoreError } from '../../../runtime/adapters/s3/object-store-error';
import type {
  Endpoint,
  SearchServer,
  SinkContext,
  SinkType,
  SubjectServer,
} from '../../../runtime/connectors/connector';
import { planOf, specOf, written } from '../../unit/plan/planned';
import type { ConnectorPlace, TestServer } from './connector-place';

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
  /** False: the system takes many records as one, and refuses none of them alone. */
  readonly refusesRecords?: false;
  open(place: ConnectorPlace): Promise<SinkSystem>;
}

/** The system of an s3-sink in bulk mode, in a format that the suite can read. */
export const bulkObjects: SinkFixture = {
  overwrites: false,
  refusesRecords: false,
  open: (place) => openBucket(place, { bulk: { flushTimerMs: 1_000, flushSize: 10, flushBytes: 1_000_000 } }),
};

/** The system of each sink type. A sink type without one does not compile. */
export const sinkFixtures: { readonly [Type in SinkType]: SinkFixture } = {
  's3-sink': { overwrites: true, open: openBucket },
  'elastic-sink': { overwrites: true, open: openIndex },
  'nats-sink': { overwrites: false, open: openSubject },
};

const schema = '{"type": "record", "name": "item", "fields": [{"name": "n", "type": "long"}]}';
const code = 'meta: { name: run, code: "def run(ctx, event): return event" }';

/** The spec of a sink with two inputs, from the rest of its entry in the `dag`. */
export function sinkSpec(sink: string) {
  const source = (id: string) => `{ id: ${id}, type: raw-source, schema: '${schema}', out: [sink], ${code} }`;
  const dag = [source('left'), source('right'), `{ id: sink, ${sink} }`].join(', ');
  return specOf(planOf(`{ jobId: contract, dag: [${dag}] }`), 'sink');
}

async function openBucket(place: ConnectorPlace, changes: Partial<FunctionSpec> = {}): Promise<SinkSystem> {
  const bucket = await place.bucket();
  const spec = { ...sinkSpec(`type: s3-sink, topics: "s3a://${bucket.name}/results", ${written}`), ...changes };
  const openLog = await place.bulkLogs(spec);
  const refused = new Set<number>();
  const parseValues = (body: Uint8Array) =>
    Buffer.from(body)
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as SinkValue);
  const store: typeof bucket.store = {
    list: (...args) => bucket.store.list(...args),
    put: async (name, key, body, contentType) => {
      if (parseValues(body).some(({ n }) => refused.has(n))) {
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
      bulkLog: () => openLog(inputsCreated),
      readAgain: async () => undefined,
      log: () => undefined,
    }),
    contents: async () => {
      const values: SinkValue[] = [];
      for await (const { key } of bucket.store.list(bucket.name, 'results/')) {
        values.push(...parseValues(await bucket.read(key)));
      }
      return values;
    },
    refuse: (n) => refused.add(n),
    break: () => bucket.break(),
    repair: () => bucket.repair(),
  };
}

/** The index has a number as `n`: a document with something else is refused. */
async function openIndex(place: ConnectorPlace): Promise<SinkSystem> {
  const index = await place.index();
  const spec = sinkSpec(`type: elastic-sink, topics: ${index.name}, addr: "search:9200"`);
  const refused = new Set<number>();
  const spoil = (line: string) => {
    const { n } = JSON.parse(line) as Partial<SinkValue>;
    return n !== undefined && refused.has(n) ? '{"n": {"no": "number"}}' : line;
  };
  const server: typeof index.server = {
    address: index.server.address,
    bulk: (lines) => index.server.bulk(lines.trim().split('\n').map(spoil).join('\n').concat('\n')),
    close: async () => undefined,
  };
  return systemOf({ ...index, spec, refused, server });
}

/** A message that is larger than the server takes is refused. */
async function openSubject(place: ConnectorPlace): Promise<SinkSystem> {
  const subject = await place.subject();
  const spec = sinkSpec(`type: nats-sink, topics: ${subject.name}, addr: "nats:4222"`);
  const refused = new Set<number>();
  const server: typeof subject.server = {
    publish: (name, messages) => {
      const isRefused = (payload: Uint8Array) =>
        refused.has((JSON.parse(Buffer.from(payload).toString()) as SinkValue).n);
      const sent = messages.map((message) =>
        isRefused(message.payload) ? { ...message, payload: Buffer.alloc(2 * 1024 * 1024) } : message,
      );
      return subject.server.publish(name, sent);
    },
    close: async () => undefined,
  };
  return systemOf({ ...subject, spec, refused, server });
}

/** What a sink without a bulk log does not use. */
export const noBulks = {
  bulkLog: () => Promise.reject(new Error('the sink has no bulk log')),
  readAgain: async () => undefined,
};

interface ServerSystem extends TestServer<SearchServer | SubjectServer> {
  readonly spec: ReturnType<typeof sinkSpec>;
  readonly refused: Set<number>;
}

function systemOf({ spec, name, server, refused, contents, ...rest }: ServerSystem): SinkSystem {
  const endpoint = { server, topics: name } as Endpoint;
  return {
    context: async (inputsCreated) => ({ spec, endpoint, inputsCreated, ...noBulks, log: () => undefined }),
    contents: async () => (await contents()).map((text) => JSON.parse(text) as SinkValue),
    refuse: (n) => refused.add(n),
    break: () => rest.break(),
    repair: () => rest.repair(),
  };
}
