import type { JetStreamManager, NatsConnection } from 'nats';
import type { FlowPlan, PlannedStream } from '../../../../lib/plan/flow-plan';
import { outputsOf } from '../../../../lib/plan/function-spec';
import { streamName } from '../../../../lib/plan/names';
import { type ConsumerRef, consumersOf } from '../../../../lib/plan/partitions';
import { timing } from '../../../../lib/plan/replica-lifecycle';
import { managerOf } from '../../../adapters/jetstream/access/jetstream-api';
import { AckLedger } from '../../../adapters/jetstream/ack-ledger';
import { MessagePuller } from '../../../adapters/jetstream/message-puller';
import { addConsumer } from '../../../adapters/jetstream/provision';
import { ignoreMissing } from '../../../adapters/jetstream/retry-request';
import { SchemaRegistry } from '../../../adapters/jetstream/schema-registry';
import { consumerProgress } from '../../../adapters/jetstream/stream-trimmer';
import { S3ObjectStore } from '../../../adapters/s3/object-store';
import { bucketAccount } from '../../../adapters/s3/s3-buckets';
import { S3ClaimSource } from '../../../adapters/s3/s3-message-store';
import { poll } from '../../../async/poll';
import { type ClaimSource, parseClaim } from '../../../engine/claim';
import type { Delivery } from '../../../engine/ports/delivery';
import { RecordCodecs } from '../../../engine/record-codecs';
import { CommandError, ExitStatus, usageError } from '../../frame/exit-status';
import { EdgeFile, type RecordedEdge } from './edge-file';

const durable = 'kflow-record';
const maxHeld = 500;
const maxHeldBytes = 32 * 1024 * 1024;
/** How long the records that are left at the end of a run may take. */
const endMs = 60_000;

/** The plan, in which the recorder is a reader of the edges: no record that is not written to its file is trimmed. */
export function withRecorders(plan: FlowPlan, edges: readonly RecordedEdge[]): FlowPlan {
  const recorded = new Set(edges.map((edge) => plannedStream(plan, edge).name));
  if (recorded.size < edges.length) throw usageError('--record: an edge is named twice');
  const read = <Output extends { readonly stream: string; readonly durables: readonly string[] }>(output: Output) =>
    recorded.has(output.stream) ? { ...output, durables: [...output.durables, durable] } : output;
  const workloads = plan.workloads.map((workload) => {
    const { output, sideOutputs } = workload.spec;
    const outputs = { ...(output === undefined ? {} : { output: read(output) }), sideOutputs: sideOutputs.map(read) };
    return { ...workload, spec: { ...workload.spec, ...outputs } };
  });
  return { ...plan, workloads };
}

/** Throws CommandError for an edge without a stream. */
function plannedStream(plan: FlowPlan, { edge, file }: RecordedEdge): PlannedStream {
  const outputs = plan.streams.filter(({ role }) => role === 'output' || role === 'side');
  const nameOf = ({ name, function: id = '' }: PlannedStream) => {
    const side = name.slice(streamName(plan, id).length + 1);
    return side === '' ? id : `${id}.${side}`;
  };
  const found = outputs.find((stream) => nameOf(stream) === edge);
  if (found !== undefined) return found;
  throw usageError(`--record ${edge}=${file}: no such output that a function reads: ${outputs.map(nameOf).join(', ')}`);
}

/** The consumers of the recorder of an edge: one, or one for each partition. */
function recordersOf(plan: FlowPlan, edge: RecordedEdge): readonly ConsumerRef[] {
  const { name } = plannedStream(plan, edge);
  const output = plan.workloads.flatMap(({ spec }) => outputsOf(spec)).find(({ stream }) => stream === name);
  if (output === undefined) throw new Error(`no function writes ${name}`);
  const { stream, subject, partitions } = output;
  return consumersOf({ stream, subject, durable, partitions: partitions?.count });
}

/** Writes the records of an edge to a file while the flow runs. */
export class EdgeRecorder {
  private readonly file: EdgeFile;
  private writing: Promise<void> = Promise.resolve();
  private held = 0;
  private heldBytes = 0;

  private constructor(
    readonly edge: RecordedEdge,
    private readonly links: {
      readonly manager: JetStreamManager;
      /** One for each partition. */
      readonly consumers: readonly (ConsumerRef & { readonly puller: MessagePuller })[];
      readonly acks: AckLedger;
      readonly claims: ClaimSource;
      readonly schemas: SchemaRegistry;
    },
    say: (line: string) => void,
  ) {
    const codecs = new RecordCodecs(links.schemas);
    const jsonOf = async (message: Uint8Array) => {
      const claim = parseClaim(message);
      const payload = claim === undefined ? message : await links.claims.fetch(claim);
      const codec = await codecs.of(payload);
      return codec.json(codec.decode(payload));
    };
    this.file = new EdgeFile({ ...edge, jsonOf, say });
  }

  /** Begins to record. The streams of the plan exist. */
  static async open(
    connection: NatsConnection,
    plan: FlowPlan,
    { edge, say }: { readonly edge: RecordedEdge; readonly say: (line: string) => void },
  ): Promise<EdgeRecorder> {
    const manager = await managerOf(connection);
    const acks = new AckLedger(connection);
    const consumers = recordersOf(plan, edge).map((consumer) => {
      return { ...consumer, puller: new MessagePuller(connection, acks, consumer) };
    });
    const limits = { ackWaitMs: timing.defaultAckWaitMs, maxAckPending: 2 * maxHeld };
    for (const { puller: _, ...consumer } of consumers) {
      await ignoreMissing(manager.consumers.delete(consumer.stream, consumer.durable)); // of a command that was killed
      await addConsumer(manager, { ...consumer, ...limits });
    }
    const schemas = await SchemaRegistry.open(connection, plan);
    const recorder = new EdgeRecorder(edge, { manager, consumers, acks, schemas, claims: claimsOf(plan) }, say);
    for (const { puller } of consumers) puller.start((delivery) => recorder.take(delivery));
    recorder.demand();
    void recorder.watch(connection);
    return recorder;
  }

  /** Writes what is left, and returns the number of records. Rejects with CommandError when the file does not have all. */
  async end(): Promise<number> {
    const { manager, consumers, acks } = this.links;
    const isComplete = async () => {
      for (const consumer of consumers) {
        const { pending, ackPending } = await consumerProgress(manager, consumer.stream, consumer.durable);
        if (pending + ackPending > 0) return undefined;
      }
      return true;
    };
    const ended = await poll(isComplete, { intervalMs: 100, timeoutMs: endMs });
    for (const { puller } of consumers) puller.stop();
    await this.writing;
    await acks.flush();
    for (const consumer of consumers) {
      await ignoreMissing(manager.consumers.delete(consumer.stream, consumer.durable));
    }
    this.close();
    if (ended === true) return this.file.records;
    const message = `${this.edge.file}: not every record was written within ${endMs / 1_000} s`;
    throw new CommandError(ExitStatus.Failed, 'config-invalid', message);
  }

  /** Ends at once. */
  close(): void {
    this.links.acks.close();
    for (const { puller } of this.links.consumers) puller.stop();
    this.file.close();
  }

  private take(delivery: Delivery): void {
    this.held++;
    this.heldBytes += delivery.payload.length;
    this.writing = this.writing.then(() => this.write(delivery));
  }

  private async write(delivery: Delivery): Promise<void> {
    await this.file.write(delivery);
    this.held--;
    this.heldBytes -= delivery.payload.length;
    this.demand();
  }

  private demand(): void {
    const { consumers } = this.links;
    const [records, bytes] = [maxHeld - this.held, maxHeldBytes - this.heldBytes].map(
      (room) => room / consumers.length,
    );
    for (const { puller } of consumers) puller.demand(Math.ceil(records ?? 0), Math.floor(bytes ?? 0));
  }

  private async watch(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type !== 'reconnect') continue;
      for (const { puller } of this.links.consumers) puller.reconnected();
      this.links.acks.reconnected();
    }
  }
}

/** The message stores of the flow. */
function claimsOf(plan: FlowPlan): ClaimSource {
  const stores = plan.buckets.flatMap((bucket) => {
    const account = bucket.role === 'message-store' ? bucketAccount(plan, bucket) : undefined;
    return account === undefined ? [] : [{ store: new S3ObjectStore(account), ...bucket }];
  });
  return new S3ClaimSource(stores);
}
