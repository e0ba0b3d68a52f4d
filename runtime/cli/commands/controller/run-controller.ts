import { ConfigError, isTransient } from '../../../../lib/errors';
import { atMost } from '../../../async/at-most';
import { isEveryAddress } from '../../../controller/api/access/loopback';
import { readControllerSettings } from '../../../controller/settings/settings';
import { type RunningController, startController } from '../../../controller/start-controller';
import { createLog } from '../../../log';
import { ExitStatus } from '../../frame/exit-status';
import type { Interrupts } from '../../frame/interrupts';

/** Requests in progress continue in another controller, or in this one after its next start. */
const closeWithinMs = 10_000;

interface ControllerOptions {
  readonly config: string | undefined;
  readonly port: number | undefined;
}

/**
 * Runs the controller until the first interrupt. `Misconfigured` when a setting is invalid, which a restart does not
 * repair; `Failed` when a server behind the controller is unavailable, or refuses the credentials of the controller.
 */
export async function runController({ config, port }: ControllerOptions, interrupts: Interrupts): Promise<ExitStatus> {
  const env = port === undefined ? process.env : { ...process.env, KFLOW_CONTROLLER_LISTEN_PORT: String(port) };
  let log = createLog({ KFLOW_LOG_FORMAT: env.KFLOW_CONTROLLER_LOG_FORMAT });
  try {
    const settings = readControllerSettings(env, config);
    log = createLog({ KFLOW_RUNTIME_LOG_LEVEL: settings.log.level, KFLOW_LOG_FORMAT: settings.log.format });
    const running = await startController(settings, { log });
    interrupts.exitAt = interrupts.count + 2;
    log(
      'INFO',
      `listening at ${running.url}${isEveryAddress(settings.listen.host) ? ', and at every other address' : ''}`,
    );
    const lost = await Promise.race([interrupts.first().then(() => undefined), running.lost]);
    if (lost === undefined) log('INFO', 'shutting down');
    else log('CRITICAL', `${lost}; exiting to be started again with fresh credentials`);
    const status = await closeInTime(running, settings.listen.shutdownDelaySeconds * 1_000);
    return lost === undefined ? status : ExitStatus.Failed;
  } catch (error) {
    log('CRITICAL', error instanceof ConfigError ? error.message : String((error as Error).stack ?? error));
    const isLasting = error instanceof ConfigError && !isTransient(error);
    return isLasting ? ExitStatus.Misconfigured : ExitStatus.Failed;
  } finally {
    // clients that still try to connect would keep the process alive
    setImmediate(() => process.exit());
  }
}

async function closeInTime(running: RunningController, delayMs: number): Promise<ExitStatus> {
  const closing = running.close().then(() => ExitStatus.Done);
  return (await atMost(delayMs + closeWithinMs, closing)) ?? ExitStatus.Failed;
}
