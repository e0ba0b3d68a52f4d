import { inspectQueueClaim } from '../../../adapters/temporal/claim-task-queue';
import { inspectTemporal, lookAtTemporal } from '../../../adapters/temporal/connect-temporal';
import type { ControllerSettings } from '../../../controller/settings/settings';
import type { InstallationKey } from '../../../installation/installation-key';
import { checkClaim } from './check-claim';
import { type Finding, failed, findingsOf, ok } from './finding';

/** Temporal as the controller uses it, and whose the task queue is. */
export function checkTemporal(
  settings: ControllerSettings['temporal'],
  key: InstallationKey | undefined,
): Promise<readonly Finding[]> {
  const { address, namespace, tls, apiKeyFile, taskQueue } = settings;
  return findingsOf('temporal', `check temporal.address (${address}), temporal.tls and the server`, () =>
    lookAtTemporal(settings, async (client) => {
      const { version, hasNamespace } = await inspectTemporal(client, settings);
      const isTls = tls !== undefined || apiKeyFile !== undefined;
      const found = `Temporal ${version} at ${address}, ${isTls ? 'with TLS' : 'no TLS'}, namespace ${namespace}`;
      if (!hasNamespace) {
        const remedy = `temporal operator namespace create ${namespace}`;
        return [failed('temporal', `${found}, which does not exist`, remedy)];
      }
      if (key === undefined) return [ok('temporal', found)];
      const claim = () => inspectQueueClaim(client, settings, key.installation);
      return [ok('temporal', found), await checkClaim('task queue', taskQueue, claim)];
    }),
  );
}
