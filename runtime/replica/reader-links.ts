import { type FunctionSpec, outputsOf } from '../../lib/plan/function-spec';
import { kindOf } from '../../lib/topology/function-types/function-type';
import { JetStreamAttemptNotes } from '../adapters/jetstream/letters/attempt-notes';
import { LetterIndex } from '../adapters/jetstream/letters/letter-index';
import { RecordOrigins } from '../adapters/jetstream/letters/record-origins';
import { inputProgress } from '../adapters/jetstream/partitions/input-progress';
import { ObjectDownloads } from '../adapters/s3/object-downloads';
import { sinkConnector } from '../connectors/registry';
import type { ConsumerProgress } from '../engine/completion';
import type { OutputWriter } from '../engine/output-writer';
import type { AttemptNotes } from '../engine/ports/attempt-notes';
import type { DeliverySource, RedriveSource } from '../engine/ports/delivery';
import type { FlowState } from '../engine/ports/flow-state';
import type { GroupLog } from '../engine/ports/group-log';
import type { CreateHost } from '../engine/ports/host';
import type { LoneAttempts } from '../engine/ports/lone-attempts';
import type { Publisher } from '../engine/ports/publisher';
import type { Lost } from '../engine/ports/source';
import type { OriginLookup, PreparationPorts } from '../engine/preparation';
import type { ErrorStream } from '../engine/side-stream/error-stream';
import { SinkHost } from '../engine/sinks/sink-host';
import { openErrorStream } from './error-stream';
import { noteLoss } from './note-loss';
import { hostOf, type ReplicaContext, replicaName, sinkContext } from './replica-context';

/** What the next replica in a replica's place learns of it. */
interface ReaderLife extends LoneAttempts {
  /** Whether the replica before this one was killed, or crashed. */
  readonly isAfterCrash: boolean;
  /** Call when no record is held: the next replica starts without caution. */
  endCleanly(): Promise<void>;
}

/** A log of groups, which notes at its end what is stored. */
export interface OpenGroupLog extends GroupLog {
  close(): Promise<void>;
}

/** Everything outside its process that a process or a sink works through. */
export interface ReaderLinks {
  /** One for each of `spec.inputs`, in that order. */
  readonly inputs: readonly DeliverySource[];
  readonly redrives: RedriveSource & {
    /** Whether no letter is to be redriven, but for `unacked` ones that were delivered. */
    isDone(unacked: number): Promise<boolean>;
  };
  readonly writer: OutputWriter;
  readonly publisher: Publisher;
  readonly state: FlowState;
  /** Creates the hosts of the function's code, or of the sink. */
  readonly hosts: CreateHost;
  readonly preparation: PreparationPorts;
  readonly notes: AttemptNotes & { settled(): Promise<void> };
  /** Finds the stored outputs of a record; absent for a function without outputs. */
  readonly origins?: OriginLookup;
  /** The error side stream. */
  readonly errors?: Pick<ErrorStream, 'report'> & { close(): Promise<void> };
  /** Names the replica in letters. */
  readonly replicaName: string;
  /** How often an idle batch replica checks whether its inputs have ended. */
  readonly completionEveryMs: number;
  beginLife(): Promise<ReaderLife>;
  /** The log of a function that requests acks itself. */
  openGroupLog(): Promise<OpenGroupLog>;
  /** How far the function has read an input; undefined while the consumer is being recreated. */
  progressOf(input: FunctionSpec['inputs'][number]): Promise<ConsumerProgress | undefined>;
  /** Notes, for the status and the event log of the flow, what this replica has lost. */
  noteLoss(message: string, lost: Pick<Lost, 'count'>): Promise<void>;
}

/** A replica that reads inputs, and what it works through. */
export type ReaderContext = Omit<ReplicaContext, 'links'> & { readonly links: ReaderLinks };

const completionEveryMs = 250;

/** The links of a replica over JetStream and S3. */
export async function openReaderLinks(context: ReplicaContext): Promise<ReaderLinks> {
  const { spec, links, log } = context;
  const { connection, manager } = links;
  const notes = new JetStreamAttemptNotes({ connection, manager, spec, log });
  notes.sweep().catch((error) => log('DEBUG', `old notes of attempts were not removed: ${String(error)}`));
  const outputs = outputsOf(spec);
  // a function without outputs needs no search
  const origins = outputs.length === 0 ? {} : { origins: new RecordOrigins(connection, spec, outputs) };
  const errors = openErrorStream(context);
  return {
    inputs: links.inputs,
    redrives: links.redrives,
    writer: links.writer,
    publisher: links.publisher,
    state: links.state,
    hosts: await readerHosts(context),
    preparation: { ...preparationPorts(context), ...origins },
    notes,
    ...origins,
    ...(errors === undefined ? {} : { errors }),
    replicaName: replicaName(context),
    completionEveryMs,
    beginLife: () => links.beginLife(),
    openGroupLog: () => links.openGroupLog(),
    progressOf: (input) => inputProgress(manager, input),
    noteLoss: (message, lost) => noteLoss(context, message, lost),
  };
}

/** Creates the hosts of a process or a sink. The hosts of a sink share its connections. */
async function readerHosts(context: ReplicaContext): Promise<CreateHost> {
  const { spec, links } = context;
  if (kindOf(spec.type) !== 'sink') return (events) => hostOf(context, events);
  const sink = await sinkConnector(spec.type).open(await sinkContext(context));
  return (events) => new SinkHost({ spec, events, schemas: links.schemas, sink });
}

function preparationPorts({ spec, environment, links, log }: ReplicaContext): PreparationPorts {
  const { download } = spec;
  return {
    claims: links.claims,
    dedupeWindowMs: Math.min(...outputsOf(spec).map((output) => output.dedupeWindowMs)),
    letters: new LetterIndex(links.connection, links.manager, spec),
    ...(download === undefined
      ? {}
      : {
          downloads: new ObjectDownloads({
            store: links.objectStore(download),
            schemas: links.schemas,
            isFailureSkipped: environment.isDownloadFailureSkipped,
            log,
            ...(download.directory === undefined ? {} : { directory: download.directory }),
          }),
        }),
  };
}
