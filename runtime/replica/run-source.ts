import { descriptorOf } from '../../lib/topology/function-types/function-type';
import { sourceConnector } from '../connectors/registry';
import type { HostEvents } from '../engine/ports/host';
import { SourceLoop } from '../engine/source-loop';
import { aborted, hostOf, type ReplicaContext, sourceContext, writerOf } from './replica-context';

/** Runs a source to its end and seals its stream. A source that has ended in this run before reads nothing. */
export async function runSource(context: ReplicaContext): Promise<void> {
  const { spec, environment, links, log, stop, health } = context;
  const writer = writerOf(context);
  const part = { replica: environment.replica, replicas: spec.replicas };
  if (await links.state.hasEnded(writer, part)) {
    log('INFO', 'the source has already ended in this run');
    health.enter('working');
  } else {
    await readToEnd(context);
    if (stop.aborted) return;
    await links.state.markPartEnded(writer, part);
  }
  // a Deployment would restart a replica that exits, so this one waits until it is stopped
  if (spec.mode === 'stream' || !descriptorOf(spec.type).batch.ends) await aborted(stop);
}

/** Resolves when every record of the source is stored, or when the replica must stop. */
async function readToEnd(context: ReplicaContext): Promise<void> {
  const { spec, links, log, counters, stop, health } = context;
  let onCrash: (cause: Error) => void = () => undefined;
  const crash = new Promise<never>((_, reject) => {
    onCrash = (cause) => {
      health.hostDied();
      reject(cause);
    };
  });
  const host = hostOf(context, { ...noRecords, log, crashed: (cause) => onCrash(cause) });
  await host.open();
  const source = await sourceConnector(spec.type).open(await sourceContext(context, host));
  health.enter('working');
  log('INFO', `started, process ${process.pid}`);
  await Promise.race([new SourceLoop({ spec, writer: links.writer, counters }).run(source, stop), crash]);
  await host.close();
}

/** The host of a source generates records and processes none. */
const noRecords: Omit<HostEvents, 'log' | 'crashed'> = {
  output: () => undefined,
  done: () => undefined,
  failed: () => undefined,
  released: () => undefined,
  heartbeat: () => undefined,
};
