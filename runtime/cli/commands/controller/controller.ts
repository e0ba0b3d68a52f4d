import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError, isTransient } from '../../../../lib/errors';
import { ExitCode } from '../../../../lib/plan/exit-code';
import { readControllerSettings } from '../../../controller/settings/settings';
import { type RunningController, startController } from '../../../controller/start-controller';
import { createLog } from '../../../log';
import { Interrupts } from '../run/interrupts';

/** What it has taken goes on in another controller, or in this one when it starts again. */
const closeWithinMs = 10_000;

export interface ControllerOptions {
  readonly config?: string;
  readonly port?: number;
}

/**
 * `kflow controller`: runs until SIGTERM or Ctrl-C. Exit status 0 then, 78 when its settings are wrong, which another
 * start does not mend, and 1 when something behind it could not be reached.
 */
export async function controller({ config, port }: ControllerOptions): Promise<number> {
  const env = port === undefined ? process.env : { ...process.env, KFLOW_CONTROLLER_LISTEN_PORT: String(port) };
  const interrupts = new Interrupts();
  let log = createLog({ KFLOW_LOG_FORMAT: env.KFLOW_CONTROLLER_LOG_FORMAT });
  try {
    const settings = readControllerSettings(env, config);
    log = createLog({ KFLOW_RUNTIME_LOG_LEVEL: settings.log.level, KFLOW_LOG_FORMAT: settings.log.format });
    const running = await startController(settings, { log });
    interrupts.exitAt = interrupts.count + 2;
    log('INFO', `the API answers at ${running.url}`);
    while (interrupts.count === 0) await interrupts.waitAtMost(60_000);
    log('INFO', 'told to end');
    return await closeInTime(running);
  } catch (error) {
    log('CRITICAL', error instanceof ConfigError ? error.message : String((error as Error).stack ?? error));
    const isLasting = error instanceof ConfigError && !isTransient(error);
    return isLasting ? ExitCode.Misconfigured : ExitCode.Failed;
  } finally {
    // connections that are still being tried would keep it
    setImmediate(() => process.exit());
  }
}

async function closeInTime(running: RunningController): Promise<number> {
  const late = sleep(closeWithinMs, ExitCode.Failed, { ref: false });
  return Promise.race([running.close().then(() => ExitCode.Done), late]);
}
