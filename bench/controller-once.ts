import { readControllerSettings } from '../runtime/controller/settings/settings';
import { startController } from '../runtime/controller/start-controller';
import { createLog } from '../runtime/log';
import { MemoryCluster } from './memory-cluster';

/** Runs a controller with a cluster in memory until SIGTERM, and prints its address. */
async function main(): Promise<void> {
  const settings = readControllerSettings(process.env);
  const controller = await startController(settings, { log: createLog(process.env), cluster: new MemoryCluster() });
  process.once('SIGTERM', () => void controller.close());
  process.stdout.write(`${JSON.stringify({ url: controller.url })}\n`);
}

void main();
