import { ConfigError } from '../../lib/errors';
import { atMost } from '../async/at-most';
import { pause } from '../async/pause';
import { AggregateHost } from '../engine/aggregates/aggregate-host';
import type { Aggregates } from '../engine/aggregates/aggregates';
import { isFinished, waitForCompletion } from '../engine/completion';
import { DeadLetters } from '../engine/letters/dead-letters';
import type { Delivery } from '../engine/ports/delivery';
import { Preparation } from '../engine/preparation';
import { RecordLoop } from '../engine/record-loop';
import type { OpenGroupLog, ReaderContext } from './reader-links';
import { createAggregates } from './replica-aggregates';
import { aborted, partOf, writerOf } from './replica-context';

/** A stopped replica whose records have taken all of its time still has as long for its notes. */
const notesMs = 500;
/** How often a sink that holds records looks for a request to write its bulk. */
const flushEveryMs = 1_000;

/** Runs a process or a sink until its inputs have ended, and seals its own outputs. */
export async function runReader(context: ReaderContext): Promise<void> {
  const { spec, environment, links, counters, log, stop, observer, tracer } = context;
  const { notes, origins, errors } = links;
  const life = await links.beginLife();
  // no code of the user runs in a sink, and a bulk of one record each would be none
  const isCautious = life.isAfterCrash && spec.bulk === undefined;
  if (isCautious)
    log('INFO', 'the replica before this one was killed or crashed; redelivered records run alone for now');
  const lost = new AbortController();
  const aggregates = await createAggregates(context, () => lost.abort());
  const lookups = origins === undefined ? {} : { origins };
  let groupLog: OpenGroupLog | undefined;
  const openGroupLog = async () => {
    groupLog = await links.openGroupLog();
    return groupLog;
  };
  const loop = new RecordLoop({
    spec,
    inputs: links.inputs,
    redrives: links.redrives,
    createHost: (events) => new AggregateHost(aggregates, links.hosts, events),
    writer: links.writer,
    preparation: new Preparation(links.preparation),
    ...(spec.output === undefined ? {} : { openGroupLog }),
    deadLetters: new DeadLetters(spec, links.publisher, { replica: links.replicaName, notes, ...lookups }),
    counters,
    log,
    isLongRunning: environment.isLongRunning,
    ...(isCautious ? { caution: life } : {}),
    observer,
    tracer,
    ...(errors === undefined ? {} : { errors }),
  });
  context.watchInFlight?.(() => loop.inFlight);
  let isAtEnd = false;
  try {
    isAtEnd = await processUntilEnd({ context, loop, aggregates, lost: lost.signal });
    aggregates.isAtEnd = isAtEnd && !aggregates.hadEnded;
  } finally {
    const graceMs = stop.aborted ? environment.shutdownMs : 0;
    const graceEndsMs = performance.now() + graceMs;
    await loop.stop(graceMs);
    const deadlineMs = Math.max(graceEndsMs, performance.now() + notesMs);
    // notes save work, and what they are about is right without them: a stop does not wait for a server that is away
    const inTime = (noted: Promise<unknown> = Promise.resolve()) =>
      stop.aborted ? atMost(Math.max(0, deadlineMs - performance.now()), noted) : noted;
    await inTime(
      groupLog?.close().catch((error) => log('DEBUG', `the log of groups was not closed: ${String(error)}`)),
    );
    await errors?.close();
    await inTime(notes.settled());
    await inTime(life.endCleanly().catch((error) => log('WARNING', `the end was not noted: ${String(error)}`)));
  }
  await aggregates.throwIfLost();
  if (!isAtEnd || aggregates.hadEnded) return;
  if (loop.leftWaiting > 0) throw unackedAtEnd(spec.function, loop.leftWaiting);
  if (aggregates.hasFinish) await links.state.markPartEnded(writerOf(context), partOf(context));
  else await links.state.markEnded(writerOf(context));
}

interface Processing {
  readonly context: ReaderContext;
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
async function inputsEnd(context: ReaderContext, loop: RecordLoop): Promise<void> {
  const finished = () => haveFinished(context, loop);
  do {
    await waitForCompletion({ finished }, context.links.completionEveryMs, context.stop);
    if (loop.onlyWaits) await loop.callLast(context.spec.maxPollIntervalMs);
  } while (!loop.idle && !loop.onlyWaits);
}

/**
 * Whether nothing more comes for now: every input is sealed, delivered and acked, but for the records that wait for their acks.
 * Of several replicas, each may hold some. When every input is sealed and delivered, no bulk waits for more records.
 */
async function haveFinished({ spec, links }: ReaderContext, loop: RecordLoop): Promise<boolean> {
  const { waiting } = loop;
  if (!loop.idle && !loop.onlyWaits) {
    if (spec.bulk !== undefined && (await areDelivered({ spec, links }))) loop.flush();
    return false;
  }
  const mayWait = (isOwn: (delivery: Delivery) => boolean) =>
    loop.idle || spec.replicas === 1 ? waiting.filter(isOwn).length : Number.POSITIVE_INFINITY;
  for (const input of spec.inputs) {
    const sealedAt = await links.state.sealedAt(input.stream);
    if (sealedAt === undefined) return false;
    const progress = await links.progressOf(input);
    if (progress === undefined) return false;
    const unacked = mayWait((delivery) => delivery.redriven === undefined && delivery.stream === input.stream);
    if (!isFinished(sealedAt, progress, unacked)) return false;
  }
  return links.redrives.isDone(mayWait(({ redriven }) => redriven !== undefined));
}

/** Writes the bulk that waits at each request for it, until the replica stops. */
async function flushOnRequest({ links, stop, log }: ReaderContext, loop: RecordLoop): Promise<void> {
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
async function areDelivered({ spec, links }: Pick<ReaderContext, 'spec' | 'links'>): Promise<boolean> {
  for (const input of spec.inputs) {
    if ((await links.state.sealedAt(input.stream)) === undefined) return false;
    const progress = await links.progressOf(input);
    if (progress === undefined || progress.pending > 0) return false;
  }
  return true;
}
