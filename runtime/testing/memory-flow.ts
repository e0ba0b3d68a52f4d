import type { FunctionSpec, OutputSpec } from '../../lib/plan/function-spec';
import type { WrittenSchema } from '../../lib/topology/avro/avro-type';
import { kindOf } from '../../lib/topology/function-types/function-type';
import { FolderStore } from '../adapters/memory/folder-store';
import type { MemoryConnection } from '../adapters/memory/memory-connection';
import { MemoryConsumer } from '../adapters/memory/memory-consumer';
import { MemoryFlowState } from '../adapters/memory/memory-flow-state';
import { MemoryGroupLog, MemoryGroups } from '../adapters/memory/memory-group-log';
import { MemoryLookups, MemoryNotes } from '../adapters/memory/memory-notes';
import { MemoryPayloads } from '../adapters/memory/memory-payloads';
import { MemoryPublisher } from '../adapters/memory/memory-publisher';
import { MemorySink } from '../adapters/memory/memory-sink';
import { MemoryStreams } from '../adapters/memory/memory-streams';
import { ObjectDownloads } from '../adapters/s3/object-downloads';
import { sourceConnector } from '../connectors/registry';
import { AvroSchemaCodec } from '../engine/avro-message';
import { parseClaim } from '../engine/claim';
import { OutputKeys } from '../engine/order/output-keys';
import { OutputWriter } from '../engine/output-writer';
import type { Delivery } from '../engine/ports/delivery';
import type { CreateHost, Failure, HostRecord, Log, SchemaSource } from '../engine/ports/host';
import type { Outgoing } from '../engine/ports/publisher';
import { RecordCodecs } from '../engine/record-codecs';
import { SinkHost } from '../engine/sinks/sink-host';
import type { ReplicaEnvironment } from '../replica/environment';
import { maxPayloadOf } from '../replica/links';
import type { ReaderLinks } from '../replica/reader-links';
import { hostOf } from '../replica/replica-context';
import type { SourceLinks } from '../replica/source-links';
import { WatchedHost } from './watched-host';

/** A failed attempt of a record. */
export interface FailedAttempt {
  readonly function: string;
  readonly stream: string;
  readonly sequence: number;
  /** The record's message. */
  readonly payload: Uint8Array;
  readonly failure: Failure;
}

/** What one replica of a flow in memory is given. */
export interface MemoryReplica {
  readonly spec: FunctionSpec;
  readonly environment: ReplicaEnvironment;
  readonly connection: MemoryConnection;
  readonly log: Log;
  readonly onRecord: (record: HostRecord) => void;
  readonly onStored: (outgoing: Outgoing) => void;
  readonly onAck: (delivery: Delivery) => void;
  readonly onHost: (host: WatchedHost) => void;
}

const completionEveryMs = 10;

/** The streams, the state and the stores of a flow, in this process; they outlive its replicas. */
export class MemoryFlow implements SchemaSource {
  readonly streams = new MemoryStreams();
  readonly state = new MemoryFlowState(this.streams);
  /** Every failed attempt. */
  readonly attempts: FailedAttempt[] = [];
  private readonly payloads = new MemoryPayloads();
  private readonly schemas = new Map<string, WrittenSchema>();
  private readonly consumers = new Map<string, MemoryConsumer>();
  private readonly notes = new Map<string, MemoryNotes>();
  private readonly groups = new Map<string, MemoryGroups>();
  private readonly sinks = new Map<string, MemorySink>();
  private readonly positions = new Map<string, { stored: number }>();
  private readonly codecs = new RecordCodecs(this);
  private readonly keys = new OutputKeys(this);

  /** `buckets` are the folders from which functions with automatic download get their objects. */
  constructor(private readonly buckets: { readonly [bucket: string]: string }) {}

  addSchema(schema: WrittenSchema): void {
    this.schemas.set(new AvroSchemaCodec(schema).fingerprint, schema);
  }

  /** Stores messages of an output as its writer does. Rejects with FunctionError if one lacks the field that is its key. */
  async fill(
    output: OutputSpec,
    messages: readonly { readonly id: string; readonly payload: Uint8Array }[],
  ): Promise<void> {
    this.streams.bindOutput(output);
    for (const message of messages) this.streams.stream(output.stream).add(await this.keys.messageOf(output, message));
  }

  async schemaOf(fingerprint: string): Promise<object | string> {
    const schema = this.schemas.get(fingerprint);
    if (schema === undefined) throw new Error(`no schema has the fingerprint ${fingerprint}`);
    return schema;
  }

  /** What a sink has written, as JSON. */
  writtenBy(functionId: string): readonly string[] {
    return this.sinks.get(functionId)?.contents ?? [];
  }

  /** A message of a stream, as JSON on one line. Throws for one that is no record. */
  async json(payload: Uint8Array): Promise<string> {
    const claim = parseClaim(payload);
    const message = claim === undefined ? payload : await this.payloads.fetch(claim);
    const codec = await this.codecs.of(message);
    return codec.json(codec.decode(message));
  }

  /** What a replica works through. */
  linksOf(replica: MemoryReplica): ReaderLinks {
    const { spec, environment, connection, log, onStored } = replica;
    const { streams, state } = this;
    const publisher = new MemoryPublisher({ streams, connection, onStored });
    const notes = named(this.notes, spec.function, () => new MemoryNotes());
    const lookups = new MemoryLookups(streams, spec);
    return {
      inputs: spec.inputs.map((input) => this.consumerOf(input).reader(replica)),
      redrives: { start: () => {}, demand: () => {}, stop: () => {}, isDone: async () => true },
      writer: this.writerOf(spec, publisher),
      publisher,
      state,
      hosts: this.hostsOf(replica),
      preparation: {
        claims: this.payloads,
        dedupeWindowMs: Number.POSITIVE_INFINITY, // streams in memory forget no id
        letters: lookups,
        origins: lookups,
        ...this.downloadsOf(replica),
      },
      notes: notes.of(connection),
      origins: lookups,
      errors: {
        report: ({ delivery, payload }, failure) => {
          if (connection.isClosed) return;
          const { stream, sequence } = delivery;
          this.attempts.push({ function: spec.function, stream, sequence, payload, failure });
        },
        close: async () => {},
      },
      replicaName: `${spec.function}-${environment.replica}`,
      completionEveryMs,
      beginLife: async () => notes.beginLife(connection, environment.replica),
      openGroupLog: async () => {
        const groups = named(this.groups, spec.function, () => new MemoryGroups());
        return new MemoryGroupLog(groups, { isLost: () => connection.isClosed });
      },
      progressOf: async (input) => this.consumerOf(input).progress(),
      noteLoss: async (message) => log('ERROR', message),
    };
  }

  /** What a replica of a source with code works through. */
  sourceLinksOf(replica: MemoryReplica): SourceLinks {
    const { spec, environment, connection, log, onStored } = replica;
    const { streams, state } = this;
    const publisher = new MemoryPublisher({ streams, connection, onStored });
    const position = named(this.positions, `${spec.function} ${environment.replica}`, () => ({ stored: 0 }));
    const save = (stored: number) => {
      if (!connection.isClosed) position.stored = stored;
    };
    return {
      writer: this.writerOf(spec, publisher),
      publisher,
      state,
      createHost: this.hostsOf(replica),
      openSource: async (host) =>
        sourceConnector(spec.type).open({
          spec,
          endpoint: undefined,
          log,
          replica: environment.replica,
          run: await state.run(),
          listing: () => Promise.reject(new Error(`${spec.type} does not run in tests`)),
          recentIds: async () => streams.stream(spec.output?.stream ?? '').messages.map(({ id }) => id),
          position: async () => ({ start: position.stored, save }),
          generate: () => host.generate(),
        }),
      noteLoss: async (message) => log('ERROR', message),
    };
  }

  /** Records of an input that the function has not acked. */
  unackedOf(input: FunctionSpec['inputs'][number]): number {
    const { ackPending, pending } = this.consumerOf(input).progress();
    return ackPending + pending;
  }

  private consumerOf({ stream, durable }: FunctionSpec['inputs'][number]): MemoryConsumer {
    return named(this.consumers, `${stream} ${durable}`, () => new MemoryConsumer(this.streams.stream(stream)));
  }

  private hostsOf({ spec, environment, connection, log, onRecord, onHost }: MemoryReplica): CreateHost {
    const { sinks } = this;
    const create: CreateHost = (events) => {
      if (kindOf(spec.type) !== 'sink') return hostOf({ spec, environment, links: { schemas: this }, log }, events);
      const sink = named(sinks, spec.function, () => new MemorySink());
      return new SinkHost({ spec, events, schemas: this, sink });
    };
    return (events) => {
      const host = new WatchedHost(create, events, { connection, onRecord });
      onHost(host);
      return host;
    };
  }

  private writerOf(spec: FunctionSpec, publisher: MemoryPublisher): OutputWriter {
    const { messageStore } = spec;
    const store = messageStore === undefined ? {} : { store: this.payloads, storePrefix: messageStore.prefix };
    // elsewhere, what a function without readers returns is dropped, whatever its size
    const maxPayload = spec.output?.durables.length === 0 ? Number.POSITIVE_INFINITY : maxPayloadOf(spec);
    return new OutputWriter(publisher, { maxPayload, keys: this.keys, ...store });
  }

  private downloadsOf({ spec, environment, log }: MemoryReplica) {
    if (spec.download === undefined) return {};
    const { directory } = spec.download;
    const downloads = new ObjectDownloads({
      store: new FolderStore(this.buckets),
      schemas: this,
      isFailureSkipped: environment.isDownloadFailureSkipped,
      log,
      ...(directory === undefined ? {} : { directory }),
    });
    return { downloads };
  }
}

function named<Value>(all: Map<string, Value>, name: string, create: () => Value): Value {
  const known = all.get(name) ?? create();
  all.set(name, known);
  return known;
}
