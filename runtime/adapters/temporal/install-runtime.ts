import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';

export type TemporalLog = (level: 'WARNING' | 'ERROR', text: string) => void;

let isInstalled = false;

/** Once in a process: its logs are ours, and the signals are not its business. */
export function installRuntime(log: TemporalLog): void {
  if (isInstalled) return;
  isInstalled = true;
  const logger = new DefaultLogger('WARN', ({ level, message, meta }) => {
    const text = meta?.error === undefined ? message : `${message}: ${String(meta.error)}`;
    log(level === 'ERROR' ? 'ERROR' : 'WARNING', `Temporal: ${text}`);
  });
  const logging = { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }), forward: {} };
  Runtime.install({ logger, shutdownSignals: [], telemetryOptions: { logging } });
}
