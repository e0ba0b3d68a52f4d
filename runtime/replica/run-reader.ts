import { ConfigError } from '../../lib/errors';
import { outputsOf } from '../../lib/plan/function-spec';
import { kindOf } from '../../lib/topology/function-types/function-type';
import { JetStreamAttemptNotes } from '../adapters/jetstream/letters/attempt-notes';
import { LetterIndex } from '../adapters/jetstream/letters/letter-index';
import { RecordOrigins } from '../adapters/jetstream/letters/record-origins';
import { ignoreMissing } from '../adapters/jetstream/retry-request';
import { consumerProgress } from '../adapters/jetstream/stream-trimmer';
import { ObjectDownloads } from '../adapters/s3/object-downloads';
import { pause } from '../async/pause';
import { sinkConnector } from '../connectors/registry';
import { AggregateHost } from '../engine/aggregates/aggregate-host';
import type { Aggregates } from '../engine/aggregates/aggregates';
import { isFinished, waitForCompletion } from '../engine/completion';
import { DeadLetters } from '../engine/letters/dead-letters';
import type { Delivery } from '../engine/ports/delivery';
import type { CreateHost } from '../engine/ports/host';
import { type OriginLookup, Preparation } from '../engine/preparation';
import { RecordLoop } from '../engine/record-loop';
import { SinkHost } from '../engine/sink-host';
import { openErrorStream } from './error-stream';
import { createAggregates } from './replica-aggregates';
import { aborted, hostOf, partOf, type ReplicaContext, replicaName, sinkContext, writerOf } from './replica-context';

/** How often an idle batch replica checks whether its inputs have ended. */
const completionEveryMs = 250;
/** How often a sink that holds records looks for a request to write its bulk. */
const flushEveryMs = 1_000;

/** Runs a process or a sink until its inputs have ended, and seals its own outputs. */
export async function runReader(context: ReplicaContext): Promise<void> {
  const { spec, environment, links, counters, log, stop, observer } = context;
  const life = await links.beginLife();
  // no code of the user runs in a sink, and a bulk of one record each would be none
  const isCautious = life.isAfterCrash && spec.bulk === undefined;
  if (isCautious)
    log('INFO', 'the replica before this one was killed or crashed; redelivered records run alone for now');
  const lost = new AbortController();
  const aggregates = await createAggregates(context, () => lost.abort());
  const create = await readerHosts(context);
  const errors = openErrorStream(context);
  const notes = new JetStreamAttemptNotes({ connection: links.connection, manager: links.manager, spec, log });
  notes.sweep().catch((error) => log('DEBUG', `old notes of attempts were not removed: ${String(error)}`));
  const origins = originsOf(context);
  const loop = new RecordLoop({
    spec,
    inputs: links.inputs,
    redrives: links.redrives,
    createHost: (events) => new AggregateHost(aggregates, create, events),
    writer: links.writer,
    preparation: createPreparation(context, origins),
    deadLetters: new DeadLetters(spec, links.publisher, { replica: replicaName(context), notes, ...origins }),
    counters,
    log,
    isLongRunning: environment.isLongRunning,
    ...(isCautious ? { caution: life } : {}),
    observer,
    ...(errors === undefined ? {} : { errors }),
  });
  context.watchInFlight?.(() => loop.inFlight);
  let isAtEnd = false;
  try {
    isAtEnd = await processUntilEnd({ context, loop, aggregates, lost: lost.signal });
    aggregates.isAtEnd = isAtEnd && !aggregates.hadEnded;
  } finally {
    await loop.stop(stop.aborted ? environment.shutdownMs : 0);
    await errors?.close();
    await notes.settled();
    await life.endCleanly().catch((error) => log('WARNING', `the end was not noted: ${String(error)}`));
  }
  await aggregates.throwIfLost();
  if (!isAtEnd || aggregates.hadEnded) return;
  if (loop.leftWaiting > 0) throw unackedAtEnd(spec.function, loop.leftWaiting);
  if (aggregates.hasFinish) await links.state.markPartEnded(writerOf(context), partOf(context));
  else await links.state.markEnded(writerOf(context));
}

interface Processing {
  readonly context: ReplicaContext;
  readonly loop: RecordLoop;
  readonly aggregates: Aggregates;
  /** Aborted when a state is lost. */
  readonly lost: AbortSignal;
}

/**
 * Resolves with true at the end of the inputs (batch), else when the replica must stop. Rejects when the code can no longer
 * be run.
 */
async function processUntilEnd({ context, loop, aggregates, lost }: Processing): Promise<boolean> {
  const { spec, log, stop, health } = context;
  let onBroken: (cause: Error) => void = () => undefined;
  const broken = new Promise<never>((_, reject) => {
    onBroken = reject;
  });
  await loop.start((cause) => {
    health.hostDied();
    onBroken(cause);
  });
  health.enter('working');
  log('INFO', `started, process ${process.pid}`);
  const isBatch = spec.mode === 'batch';
  if (!isBatch && spec.bulk !== undefined) void flushOnRequest(context, loop);
  if (aggregates.hadEnded) return true;
  await Promise.race([...(isBatch ? [inputsEnd(context, loop)] : []), aborted(stop), aborted(lost), broken]);
  return !stop.aborted && !lost.aborted;
}

/** Creates the hosts of a process or a sink. The hosts of a sink share its connections. */
async function readerHosts(context: ReplicaContext): Promise<CreateHost> {
  const { spec, links } = context;
  if (kindOf(spec.type) !== 'sink') return (events) => hostOf(context, events);
  const sink = await sinkConnector(spec.type).open(await sinkContext(context));
  return (events) => new SinkHost({ spec, events, schemas: links.schemas, sink });
}

/** Finds the stored outputs of a record; a function without outputs needs no search. */
function originsOf({ spec, links }: ReplicaContext): { readonly origins?: OriginLookup } {
  const outputs = outputsOf(spec);
  return outputs.length === 0 ? {} : { origins: new RecordOrigins(links.connection, spec, outputs) };
}

function createPreparation(
  { spec, environment, links, log }: ReplicaContext,
  origins: { readonly origins?: OriginLookup },
): Preparation {
  const { download } = spec;
  const outputs = outputsOf(spec);
  return new Preparation({
    claims: links.claims,
    dedupeWindowMs: Math.min(...outputs.map((output) => output.dedupeWindowMs)),
    ...origins,
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
  });
}

function unackedAtEnd(functionId: string, count: number): ConfigError {
  const records = count === 1 ? '1 record waits' : `${count} records wait`;
  const what = `${records} for an ack that the function has not requested, and no more input comes`;
  const todo =
    'request the last acks in finish(ctx) (in Python also in close of a class): ctx.request_ack(), ctx.requestAck()';
  return new ConfigError('ack-missing', `${functionId}: ${what}; ${todo}`);
}

/**
 * Resolves when this replica holds nothing, every input is sealed, delivered and acked, and no letter is to be redriven; or when
 * a function that requests acks itself has had its last call, and has not requested all of them. It pulls until then: what is
 * redelivered late has no other replica.
 */
async function inputsEnd(context: ReplicaContext, loop: RecordLoop): Promise<void> {
  const finished = () => haveFinished(context, loop);
  do {
    await waitForCompletion({ finished }, completionEveryMs, context.stop);
    if (loop.onlyWaits) await loop.callLast(context.spec.maxPollIntervalMs);
  } while (!loop.idle && !loop.onlyWaits);
}

/**
 * Whether nothing more comes for now: every input is sealed, delivered and acked, but for the records that wait for their acks.
 * Of several replicas, each may hold some. When every input is sealed and delivered, no bulk waits for more records.
 */
async function haveFinished({ spec, links }: ReplicaContext, loop: RecordLoop): Promise<boolean> {
  const { waiting } = loop;
  if (!loop.idle && !loop.onlyWaits) {
    if (spec.bulk !== undefined && (await areDelivered({ spec, links }))) loop.flush();
    return false;
  }
  const mayWait = (isOwn: (delivery: Delivery) => boolean) =>
    loop.idle || spec.replicas === 1 ? waiting.filter(isOwn).length : Number.POSITIVE_INFINITY;
  for (const { stream, durable } of spec.inputs) {
    const sealedAt = await links.state.sealedAt(stream);
    if (sealedAt === undefined) return false;
    // a consumer that somebody removed is being recreated
    const progress = await ignoreMissing(consumerProgress(links.manager, stream, durable));
    if (progress === undefined) return false;
    const unacked = mayWait((delivery) => delivery.redriven === undefined && delivery.stream === stream);
    if (!isFinished(sealedAt, progress, unacked)) return false;
  }
  return links.redrives.isDone(mayWait(({ redriven }) => redriven !== undefined));
}

/** Writes the bulk that waits at each request for it, until the replica stops. */
async function flushOnRequest({ links, stop, log }: ReplicaContext, loop: RecordLoop): Promise<void> {
  let known: number | undefined;
  while (!stop.aborted) {
    try {
      const requests = known !== undefined && loop.idle ? known : await links.state.flushRequests();
      if (known !== undefined && requests !== known) loop.flush();
      known = requests;
    } catch (error) {
      log('DEBUG', `no look for a request to write bulks: ${String(error)}`);
    }
    await pause(flushEveryMs, stop);
  }
}

/** Whether every input is sealed, and its last message was delivered. */
async function areDelivered({ spec, links }: Pick<ReplicaContext, 'spec' | 'links'>): Promise<boolean> {
  for (const { stream, durable } of spec.inputs) {
    if ((await links.state.sealedAt(stream)) === undefined) return false;
    const progress = await ignoreMissing(consumerProgress(links.manager, stream, durable));
    if (progress === undefined || progress.pending > 0) return false;
  }
  return true;
}
