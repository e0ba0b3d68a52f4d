import { closeSync, openSync, writeSync } from 'node:fs';
import type { JetStreamManager, NatsConnection } from 'nats';
import type { FlowPlan, PlannedStream } from '../../../../lib/plan/flow-plan';
import { streamName } from '../../../../lib/plan/names';
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
import { usageError } from '../../frame/exit-status';

/** An output, `FUNCTION` or `FUNCTION.SIDE`, and the file that gets its records. */
export interface RecordedEdge {
  readonly edge: string;
  readonly file: string;
}

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

/** Writes the records of an edge to a file as JSON lines, each once, while the flow runs. */
export class EdgeRecorder {
  private readonly codecs: RecordCodecs;
  private readonly output: number;
  private writing: Promise<void> = Promise.resolve();
  private held = 0;
  private heldBytes = 0;
  private written = 0;
  private failure: { readonly error: unknown } | undefined;

  private constructor(
    private readonly stream: string,
    readonly edge: RecordedEdge,
    private readonly links: {
      readonly manager: JetStreamManager;
      readonly puller: MessagePuller;
      readonly acks: AckLedger;
      readonly claims: ClaimSource;
      readonly schemas: SchemaRegistry;
    },
  ) {
    this.codecs = new RecordCodecs(links.schemas);
    this.output = openOutput(edge);
  }

  /** Begins to record. The streams of the plan exist. */
  static async open(connection: NatsConnection, plan: FlowPlan, edge: RecordedEdge): Promise<EdgeRecorder> {
    const manager = await managerOf(connection);
    const { name: stream, subjects } = plannedStream(plan, edge);
    const ackWaitMs = timing.defaultAckWaitMs;
    await ignoreMissing(manager.consumers.delete(stream, durable)); // of a command that was killed
    await addConsumer(manager, { stream, durable, subject: subjects[0] ?? '', ackWaitMs, maxAckPending: 2 * maxHeld });
    const acks = new AckLedger(connection);
    const puller = new MessagePuller(connection, acks, { stream, durable });
    const schemas = await SchemaRegistry.open(connection, plan);
    const recorder = new EdgeRecorder(stream, edge, { manager, puller, acks, schemas, claims: claimsOf(plan) });
    puller.start((delivery) => recorder.take(delivery));
    recorder.demand();
    void recorder.watch(connection);
    return recorder;
  }

  /** Writes what is left, and returns the number of records. Rejects when a record cannot be written. */
  async end(): Promise<number> {
    const { manager, puller, acks } = this.links;
    const isComplete = async () => {
      const { pending, ackPending } = await consumerProgress(manager, this.stream, durable);
      return this.failure !== undefined || (pending === 0 && ackPending === 0) || undefined;
    };
    const ended = await poll(isComplete, { intervalMs: 100, timeoutMs: endMs });
    puller.stop();
    await this.writing;
    await acks.flush();
    await ignoreMissing(manager.consumers.delete(this.stream, durable));
    this.close();
    if (this.failure !== undefined) throw this.failure.error;
    if (ended !== true) throw new Error(`${this.edge.file}: not every record was written within ${endMs / 1_000} s`);
    return this.written;
  }

  /** Ends at once. */
  close(): void {
    this.links.acks.close();
    this.links.puller.stop();
    closeSync(this.output);
  }

  private take(delivery: Delivery): void {
    this.held++;
    this.heldBytes += delivery.payload.length;
    this.writing = this.writing
      .then(() => this.write(delivery))
      .catch((error) => {
        this.failure ??= { error };
      });
  }

  private async write(delivery: Delivery): Promise<void> {
    if (this.failure !== undefined) return;
    const claim = parseClaim(delivery.payload);
    const payload = claim === undefined ? delivery.payload : await this.links.claims.fetch(claim);
    const codec = await this.codecs.of(payload);
    writeSync(this.output, `${codec.json(codec.decode(payload))}\n`);
    delivery.ack();
    this.written++;
    this.held--;
    this.heldBytes -= delivery.payload.length;
    this.demand();
  }

  private demand(): void {
    this.links.puller.demand(maxHeld - this.held, maxHeldBytes - this.heldBytes);
  }

  private async watch(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type !== 'reconnect') continue;
      this.links.puller.reconnected();
      this.links.acks.reconnected();
    }
  }
}

function openOutput({ edge, file }: RecordedEdge): number {
  try {
    return openSync(file, 'w', 0o600);
  } catch (error) {
    throw usageError(`--record ${edge}=${file}: cannot write: ${(error as Error).message}`);
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
