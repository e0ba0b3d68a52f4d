import { descriptorOf } from '../../lib/topology/function-types/function-type';
import { loadConnector, type SourceConnector } from '../connectors/connector';
import type { HostEvents } from '../engine/ports/host';
import { SourceLoop } from '../engine/source-loop';
import { createHost } from '../hosts/create-host';
import { aborted, connectorContext, type ReplicaContext, writerOf } from './replica-context';

/** Runs a source until it has ended, and seals its stream then; one that had ended in this run already reads nothing. */
export async function runSource(context: ReplicaContext): Promise<void> {
  const { spec, environment, links, log, stop, health } = context;
  const writer = writerOf(context);
  const part = { replica: environment.replica, replicas: spec.replicas };
  if (await links.state.hasEnded(writer, part)) {
    log('INFO', 'this source has ended in this run already');
    health.enter('working');
  } else {
    await readToEnd(context);
    if (stop.aborted) return;
    await links.state.markPartEnded(writer, part);
  }
  // a Deployment's source that has no more to give stays: if it ended, it would be started again
  if (spec.mode === 'stream' || !descriptorOf(spec.type).batch.ends) await aborted(stop);
}

/** Resolves when the source has given all and it is stored, or on the signal to stop. */
async function readToEnd(context: ReplicaContext): Promise<void> {
  const { spec, links, log, counters, stop, health } = context;
  let onCrash: (cause: Error) => void = () => undefined;
  const crash = new Promise<never>((_, reject) => {
    onCrash = (cause) => {
      health.hostDied();
      reject(cause);
    };
  });
  const host = createHost(context, { ...noRecords, log, crashed: (cause) => onCrash(cause) });
  await host.open();
  const connector = loadConnector<SourceConnector>(spec.type);
  const source = await connector.createSource(await connectorContext(context), host);
  health.enter('working');
  log('INFO', `started, process ${process.pid}`);
  await Promise.race([new SourceLoop({ spec, writer: links.writer, counters }).run(source, stop), crash]);
  await host.close();
}

/** A source's host is asked for records; it is given none. */
const noRecords: Omit<HostEvents, 'log' | 'crashed'> = {
  output: () => undefined,
  done: () => undefined,
  failed: () => undefined,
  released: () => undefined,
  heartbeat: () => undefined,
};
