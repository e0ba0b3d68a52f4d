import { descriptorOf } from '../../lib/topology/function-types/function-type';
import { sourceConnector } from '../connectors/registry';
import { SourceLetters } from '../engine/letters/source-letters';
import type { Failure, HostEvents } from '../engine/ports/host';
import { SourceLoop } from '../engine/source-loop';
import { noteLoss } from './note-loss';
import { aborted, hostOf, partOf, type ReplicaContext, replicaName, sourceContext, writerOf } from './replica-context';

/** Runs a source to its end and seals its stream. A source that has ended in this run before reads nothing. */
export async function runSource(context: ReplicaContext): Promise<void> {
  const { spec, links, stop, health } = context;
  const writer = writerOf(context);
  const part = partOf(context);
  if (await links.state.hasEnded(writer, part)) {
    health.enter('working');
  } else {
    await readToEnd(context);
    if (stop.aborted) return;
    await links.state.markPartEnded(writer, part);
  }
  // a Deployment would restart a replica that exits, so this one waits until it is stopped
  if (spec.mode === 'stream' || !descriptorOf(spec.type).batch.ends) await aborted(stop);
}

/** Resolves when every record of the source is stored, or when the replica must stop and nothing is lost by that. */
async function readToEnd(context: ReplicaContext): Promise<void> {
  const { spec, environment, links, log, counters, stop, health } = context;
  const loop = new SourceLoop({
    spec,
    writer: links.writer,
    letters: new SourceLetters(spec, { publisher: links.publisher, replica: replicaName(context), log }),
    counters,
    log,
    noteLoss: (message, lost) => noteLoss(context, message, lost),
    graceMs: environment.shutdownMs,
  });
  context.watchInFlight?.(() => loop.inFlight);
  const crashed = (cause: Error) => {
    health.hostDied();
    loop.fail(cause);
  };
  const host = hostOf(context, { ...noRecords, log: (level, text) => log(level, text), crashed });
  await host.open();
  const source = await sourceConnector(spec.type).open(await sourceContext(context, host));
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
