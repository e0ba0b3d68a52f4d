import { descriptorOf } from '../../lib/topology/function-types/function-type';
import { SourceLetters } from '../engine/letters/source-letters';
import type { Failure, HostEvents } from '../engine/ports/host';
import { SourceLoop } from '../engine/source-loop';
import { aborted, partOf, type ReplicaContext, replicaName, writerOf } from './replica-context';
import { openSourceLinks, type SourceReplica } from './source-links';

/** Runs a source to its end and, if nothing may follow in this process, until it is stopped. */
export async function runSource(context: ReplicaContext): Promise<void> {
  const { spec, stop } = context;
  await readSource({ ...context, links: openSourceLinks(context) });
  // a Deployment would restart a replica that exits, so this one waits until it is stopped
  if (spec.mode === 'stream' || !descriptorOf(spec.type).batch.ends) await aborted(stop);
}

/** Reads a source to its end and seals its stream. A source that has ended in this run before reads nothing. */
export async function readSource(context: SourceReplica): Promise<void> {
  const { links, stop, health } = context;
  const writer = writerOf(context);
  const part = partOf(context);
  if (await links.state.hasEnded(writer, part)) {
    health.enter('working');
  } else {
    await readToEnd(context);
    if (stop.aborted) return;
    await links.state.markPartEnded(writer, part);
  }
}

/** Resolves when every record of the source is stored, or when the replica must stop and nothing is lost by that. */
async function readToEnd(context: SourceReplica): Promise<void> {
  const { spec, environment, links, log, counters, stop, health, tracer } = context;
  const loop = new SourceLoop({
    spec,
    writer: links.writer,
    letters: new SourceLetters(spec, { publisher: links.publisher, replica: replicaName(context), log }),
    counters,
    tracer,
    log,
    noteLoss: (message, lost) => links.noteLoss(message, lost),
    graceMs: environment.shutdownMs,
  });
  context.watchInFlight?.(() => loop.inFlight);
  const crashed = (cause: Error) => {
    health.hostDied();
    loop.fail(cause);
  };
  const host = links.createHost({ ...noRecords, log: (level, text) => log(level, text), crashed });
  await host.open();
  const source = await links.openSource(host);
  health.enter('working');
  log('INFO', `started, process ${process.pid}`);
  await loop.run(source, stop).catch(async (error: unknown) => {
    const trace = traceOf(error);
    if (trace !== undefined) log('ERROR', trace);
    await host.kill();
    throw error;
  });
  await host.close();
}

/** The traceback in user code of an error of the function. */
function traceOf(error: unknown): string | undefined {
  const { trace } = ((error as Error).cause ?? {}) as Partial<Failure>;
  return trace?.trim().includes('\n') ? trace.trim() : undefined;
}

/** The host of a source generates records and processes none. */
const noRecords: Omit<HostEvents, 'log' | 'crashed'> = {
  output: () => undefined,
  done: () => undefined,
  failed: () => undefined,
  released: () => undefined,
  heartbeat: () => undefined,
};
