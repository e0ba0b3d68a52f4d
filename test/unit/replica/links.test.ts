import type { Msg, NatsConnection, PublishOptions, Status } from 'nats';
import { readEnvironment } from '../../../runtime/replica/environment';
import { maxPayloadOf, ReplicaLinks } from '../../../runtime/replica/links';
import { waitFor } from '../../support/wait-for';
import { planOf, specOf } from '../plan/planned';

const schema = '{"type": "record", "name": "n", "fields": [{"name": "n", "type": "long"}]}';
const code = 'meta: { name: run, code: "def run(ctx, event): return event" }';
const spec = specOf(
  planOf(`
namespace: n
jobId: j
dag:
  - { id: in, type: raw-source, schema: '${schema}', ${code}, out: [map] }
  - { id: map, type: raw, schema: '${schema}', ${code}, out: [leaf] }
  - { id: leaf, type: raw, ${code} }
`),
  'map',
);
const pullSubject = '$JS.API.CONSUMER.MSG.NEXT.kflow_n_j_in.map';
const ackSubject = '$JS.ACK.kflow_n_j_in.map.1.7.7.1700000000000000000.0';

interface Sent {
  readonly subject: string;
  readonly reply: string;
}

type Subscriber = (error: null, message: Msg) => void;

/** A server whose streams respond, and whose connection is lost, when the test says so. */
class Server {
  readonly sent: Sent[] = [];
  /** What the server has taken, and the end of the connection, in order. */
  readonly events: string[] = [];
  /** Whether the server has received nothing that was sent. */
  isLost = false;
  /** Whether the outage has been reported whole. */
  isReported = false;
  private readonly subscribers = new Map<string, Subscriber>();
  private onReconnect: () => void = () => undefined;

  readonly connection = {
    info: { max_payload: 1024 * 1024 },
    closed: () => new Promise(() => undefined),
    status: () => this.statuses(),
    isClosed: () => false,
    subscribe: (subject: string, { callback }: { callback: Subscriber }) => {
      this.subscribers.set(subject, callback);
      return { unsubscribe: () => this.subscribers.delete(subject), drain: async () => undefined };
    },
    publish: (subject: string, _payload: Uint8Array, { reply = '' }: PublishOptions = {}) => {
      this.sent.push({ subject, reply });
    },
    flush: async () => {
      if (this.isLost) throw new Error('disconnected');
      await nextTurn();
      this.events.push('acks received');
    },
    close: async () => void this.events.push('closed'),
    jetstream: () => ({ views: { kv: async () => ({ get: async () => null, put: async () => 1 }) } }),
    jetstreamManager: async () => ({}),
  } as unknown as NatsConnection;

  sentTo(subject: string): readonly Sent[] {
    return this.sent.filter((each) => each.subject === subject);
  }

  reconnect(): void {
    this.onReconnect();
  }

  /** Delivers message 7 of the input to a pull request. */
  deliver(inbox: string): void {
    this.subscribers.get(inbox)?.(null, { reply: ackSubject, data: Buffer.from('x') } as unknown as Msg);
  }

  /** The stream responds to a message that it has stored. */
  store({ reply }: Sent): void {
    this.events.push('message stored');
    const inbox = reply.replace(/[^.]+$/, '*');
    const response = { subject: reply, data: Buffer.from('{}'), json: () => ({ stream: 'S', seq: 1 }) };
    this.subscribers.get(inbox)?.(null, response as unknown as Msg);
  }

  private async *statuses(): AsyncGenerator<Status> {
    await new Promise<void>((resolve) => {
      this.onReconnect = resolve;
    });
    // as the client reports an outage with logins that were refused
    for (const type of ['disconnect', 'disconnect', 'reconnect', 'reconnect']) yield { type, data: 'nats' } as Status;
    this.isReported = true;
    await new Promise(() => undefined);
  }
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

let server: Server;
let links: ReplicaLinks;
let logs: string[];
let connectionStates: string[];

async function openLinks(): Promise<void> {
  server = new Server();
  logs = [];
  connectionStates = [];
  links = await ReplicaLinks.over(server.connection, {
    spec,
    environment: readEnvironment({ KFLOW_SPEC: 'spec.json', KFLOW_NATS_URL: 'nats://nats:4222' }),
    log: (_level, text) => logs.push(text),
    onConnection: (state) => connectionStates.push(state),
  });
}

/** Publishes a message, and returns it as it was sent. */
function publish(): Sent {
  links.publisher.publish({ subject: 'out', id: 'a', payload: Buffer.from('x') }, () => undefined);
  const [sent] = server.sentTo('out');
  if (sent === undefined) throw new Error('nothing was sent');
  return sent;
}

function pull(): void {
  const [input] = links.inputs;
  input?.start((delivery) => delivery.ack());
  input?.demand(10, 100_000_000);
}

function closeInputs(): void {
  for (const input of links.inputs) input.stop();
}

describe('a close', () => {
  beforeEach(openLinks);

  test('waits until every message is stored', async () => {
    const sent = publish();
    const closing = links.close();
    await nextTurn();
    server.store(sent);
    await closing;
    expect(server.events).toEqual(['message stored', 'closed']);
  });

  test('waits until the server has received every ack', async () => {
    pull();
    server.deliver(server.sentTo(pullSubject)[0]?.reply ?? '');
    closeInputs();
    await links.close();
    expect(server.sentTo(ackSubject)).toHaveLength(1);
    expect(server.events).toEqual(['acks received', 'closed']);
  });
});

describe('a reconnect', () => {
  const reconnect = async () => {
    server.reconnect();
    await waitFor('the reconnect', () => server.isReported);
  };
  let sent: Sent;
  beforeEach(async () => {
    await openLinks();
    server.isLost = true;
    sent = publish();
    pull();
    server.deliver(server.sentTo(pullSubject)[0]?.reply ?? '');
    await reconnect();
  });
  afterEach(async () => {
    server.isLost = false;
    closeInputs();
    server.store(sent);
    await links.close();
  });

  test('is reported as a lost connection that is up again', () => {
    expect(connectionStates).toEqual(['up', 'lost', 'up']);
    expect(logs).toEqual(['lost the connection to NATS; reconnecting', 'reconnected to NATS']);
  });

  test('sends messages without a response again', () => {
    expect(server.sentTo('out').length).toBeGreaterThan(1); // one more for every 5 s without a response
  });

  test('sends acks again that the server may have lost', () => {
    expect(server.sentTo(ackSubject)).toHaveLength(2);
  });

  test('pulls again, for responses to a new inbox', () => {
    const inboxes = new Set(server.sentTo(pullSubject).map(({ reply }) => reply));
    expect(inboxes.size).toBe(2);
  });
});

const store = (maxPayloadSize?: number) => ({
  messageStore: { addr: 's3:9000', userEnv: 'U', passwordEnv: 'P', bucket: 'b', prefix: 'p/', maxPayloadSize },
});

test.each([
  ['the limit of the message store', store(1_000), 1_000],
  ["the server's limit, less the headers, although the message store has a higher one", store(5_000_000), 91_808],
  ["the server's limit, less the headers, with a message store without a limit", store(), 91_808],
  ["the server's limit, less the headers, without a message store", {}, 91_808],
])('the largest payload has %s', (_, given, bytes) => {
  expect(maxPayloadOf(given, 100_000)).toBe(bytes);
});
