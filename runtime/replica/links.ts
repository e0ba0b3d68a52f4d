import type { JetStreamManager, NatsConnection, Status } from 'nats';
import { type FunctionSpec, outputsOf, type S3Connection } from '../../lib/plan/function-spec';
import { kindOf } from '../../lib/topology/function-types/function-type';
import { connectNats, openOver } from '../adapters/jetstream/access/connect-nats';
import { managerOf } from '../adapters/jetstream/access/jetstream-api';
import { outageStatuses } from '../adapters/jetstream/access/outage-statuses';
import { AckLedger } from '../adapters/jetstream/ack-ledger';
import { JetStreamGroupLog } from '../adapters/jetstream/groups/jetstream-group-log';
import { JetStreamFlowState } from '../adapters/jetstream/jetstream-flow-state';
import { RedriveDeliveries } from '../adapters/jetstream/letters/redrive-deliveries';
import { type OpenInput, type OwnConsumer, openInput } from '../adapters/jetstream/partitions/open-input';
import { JetStreamPublisher } from '../adapters/jetstream/publishing/publisher';
import { ReplicaLife } from '../adapters/jetstream/replica-life';
import { retryRequest } from '../adapters/jetstream/retry-request';
import { SchemaRegistry } from '../adapters/jetstream/schema-registry';
import { StreamTrimmer } from '../adapters/jetstream/stream-trimmer';
import type { S3ObjectStore } from '../adapters/s3/object-store';
import { S3ClaimSource, S3MessageStore } from '../adapters/s3/s3-message-store';
import { pause } from '../async/pause';
import { AvroSchemaCodec } from '../engine/avro-message';
import { OutputKeys } from '../engine/order/output-keys';
import { OutputWriter } from '../engine/output-writer';
import type { Log } from '../engine/ports/host';
import type { ReplicaEnvironment } from './environment';
import type { ConnectionState } from './replica-health';
import { openObjectStore } from './resolve-endpoint';

/** Room for a message's headers below the server's payload limit. */
const headerRoom = 8 * 1024;
const trimEveryMs = 2_000;

export interface LinksProps {
  readonly spec: FunctionSpec;
  readonly environment: ReplicaEnvironment;
  readonly log: Log;
  /** Called at every change, the first connection included. */
  readonly onConnection: (state: ConnectionState) => void;
}

/** The connections of a replica, kept up across reconnects. */
export class ReplicaLinks {
  readonly inputs: readonly OpenInput['source'][];
  /** Of all inputs, those that this replica reads. */
  readonly consumers: readonly OwnConsumer[];
  readonly redrives: RedriveDeliveries;
  readonly writer: OutputWriter;
  readonly claims: S3ClaimSource;
  private readonly trimTimer: NodeJS.Timeout;

  private constructor(
    private readonly props: LinksProps,
    readonly connection: NatsConnection,
    readonly manager: JetStreamManager,
    readonly state: JetStreamFlowState,
    readonly schemas: SchemaRegistry,
    readonly publisher: JetStreamPublisher,
    private readonly acks: AckLedger,
    private readonly trimmers: ReadonlyMap<string, StreamTrimmer>,
  ) {
    const { spec } = props;
    const { replica } = props.environment;
    const inputs = spec.inputs.map((input) => openInput(input, { connection, manager, acks, spec, replica }));
    this.inputs = inputs.map(({ source }) => source);
    this.consumers = inputs.flatMap(({ consumers }) => consumers);
    this.redrives = new RedriveDeliveries({ connection, manager, acks, spec, log: props.log });
    this.writer = this.openWriter();
    this.claims = new S3ClaimSource(
      spec.claimStores.map((store) => ({ store: this.objectStore(store), bucket: store.bucket, prefix: store.prefix })),
    );
    this.trimTimer = setInterval(() => this.trimAll(), trimEveryMs);
  }

  /** Connects, and publishes the schemas that this function writes. */
  static async open(props: LinksProps): Promise<ReplicaLinks> {
    const { spec, environment, log } = props;
    const name = `${spec.namespace}/${spec.jobId}/${spec.function}-${environment.replica}`;
    const warn = (text: string) => log('WARNING', text);
    const connection = await connectNats(environment.nats, name, { trouble: warn, absent: warn });
    return openOver(connection, () => ReplicaLinks.over(connection, props));
  }

  /** The links over an open connection, which `close` closes. */
  static async over(connection: NatsConnection, props: LinksProps): Promise<ReplicaLinks> {
    const { spec, onConnection } = props;
    onConnection('up');
    void connection.closed().then(() => onConnection('closed'));
    const statuses = connection.status(); // buffers changes while the rest opens
    const outputs = outputsOf(spec);
    const trimmers = new Map(
      outputs.map((output) => [output.subject, new StreamTrimmer(connection, output, spec.stateBucket)]),
    );
    const state = await openState(connection, props);
    const schemas = await SchemaRegistry.open(connection, spec);
    const publisher = new JetStreamPublisher(connection, (subject) => links.onRefused(subject));
    const links: ReplicaLinks = new ReplicaLinks(
      props,
      connection,
      await managerOf(connection),
      state,
      schemas,
      publisher,
      new AckLedger(connection),
      trimmers,
    );
    const main = kindOf(spec.type) === 'sink' ? undefined : spec.schema; // a sink's is its reader's
    for (const schema of [main, ...spec.sideOutputs.map((side) => side.schema)]) {
      if (schema !== undefined) await schemas.publish(new AvroSchemaCodec(schema).fingerprint, schema);
    }
    void links.watchConnection(statuses);
    return links;
  }

  /** Notes that this replica runs; tells whether the one before it in its place ended cleanly. */
  beginLife(): Promise<ReplicaLife> {
    const { spec, environment, log } = this.props;
    return ReplicaLife.begin({ connection: this.connection, spec, identity: environment.identity, log });
  }

  /** The log of a function that requests acks itself. */
  async openGroupLog(): Promise<JetStreamGroupLog> {
    const { connection, manager } = this;
    const { spec, log } = this.props;
    const warn = (text: string) => log('WARNING', text);
    return JetStreamGroupLog.open({ connection, spec, inputsCreated: await creationTimes(manager, spec), warn });
  }

  objectStore(connection: S3Connection): S3ObjectStore {
    return openObjectStore(connection, this.props);
  }

  /**
   * Resolves when the server has every message and every ack. With `withinMs`, at the latest then: a full stream may take no
   * more messages, and what needs them has not been acked.
   */
  async close(withinMs?: number): Promise<void> {
    clearInterval(this.trimTimer);
    const flushed = Promise.all([this.publisher.settled(), this.redrives.settled()]).then(() => this.acks.flush());
    const limit = new AbortController();
    const late = withinMs === undefined ? [] : [pause(withinMs, limit.signal)];
    await Promise.race([flushed, ...late]);
    limit.abort();
    this.publisher.close();
    this.acks.close();
    await this.connection.close();
  }

  private openWriter(): OutputWriter {
    const { messageStore } = this.props.spec;
    const maxPayload = maxPayloadOf(this.props.spec, this.connection.info?.max_payload);
    const keys = new OutputKeys(this.schemas);
    if (messageStore === undefined) return new OutputWriter(this.publisher, { maxPayload, keys });
    const store = new S3MessageStore(this.objectStore(messageStore), messageStore.bucket);
    return new OutputWriter(this.publisher, { maxPayload, keys, store, storePrefix: messageStore.prefix });
  }

  private async watchConnection(statuses: AsyncIterable<Status>): Promise<void> {
    const { log, onConnection } = this.props;
    for await (const status of outageStatuses(statuses)) {
      if (status.type === 'disconnect') {
        onConnection('lost');
        log('WARNING', 'lost the connection to NATS; reconnecting');
      }
      if (status.type !== 'reconnect') continue;
      onConnection('up');
      log('INFO', 'reconnected to NATS');
      this.publisher.reconnected();
      this.acks.reconnected();
      for (const input of this.inputs) input.reconnected();
      this.redrives.reconnected();
    }
  }

  private onRefused(subject: string): void {
    this.props.log('DEBUG', `${subject}: the stream is full or unavailable; waiting`);
    this.trim(this.trimmers.get(subject) ?? this.trimmers.get(subject.slice(0, subject.lastIndexOf('.')))); // a partition's
  }

  private trimAll(): void {
    for (const trimmer of this.trimmers.values()) this.trim(trimmer);
  }

  private trim(trimmer: StreamTrimmer | undefined): void {
    trimmer?.trim().then(
      (purged) => purged > 0 && this.props.log('DEBUG', `trimmed ${purged} consumed messages`),
      (error) => this.props.log('DEBUG', `trimming failed: ${error}`),
    );
  }
}

/** When the input streams were created: a recreated one counts from 1 again. */
export async function creationTimes(
  manager: JetStreamManager,
  { inputs }: Pick<FunctionSpec, 'inputs'>,
): Promise<readonly Date[]> {
  const infos = inputs.map(({ stream }) => retryRequest(() => manager.streams.info(stream)));
  return (await Promise.all(infos)).map(({ created }) => new Date(created));
}

/**
 * The state of the flow, in the run of the spec. Without a controller, which ends all replicas before it begins a run, a replica
 * keeps to the run of its start: its end must not seal streams of the next run.
 */
async function openState(
  connection: NatsConnection,
  { spec, environment }: Pick<LinksProps, 'spec' | 'environment'>,
): Promise<JetStreamFlowState> {
  const state = await JetStreamFlowState.open(connection, spec.stateBucket);
  if (spec.run !== undefined) await state.enterRun(spec.run, spec.deadLetters.stream);
  else if (spec.mode === 'batch' && !environment.isWatched) await state.keepRun();
  return state;
}

/** Bytes of the largest payload that is published; a message store takes the larger ones. `serverLimit` includes headers. */
export function maxPayloadOf({ messageStore }: Pick<FunctionSpec, 'messageStore'>, serverLimit = 1024 * 1024): number {
  const limit = serverLimit - headerRoom;
  return Math.min(messageStore?.maxPayloadSize ?? limit, limit);
}
