import { inspectTemporal } from '../../../adapters/temporal/connect-temporal';
import type { ControllerSettings } from '../../../controller/settings/settings';
import { type Finding, failed, findingsOf, ok } from './finding';

/** Temporal as the controller uses it. */
export function checkTemporal(settings: ControllerSettings['temporal']): Promise<readonly Finding[]> {
  const { address, namespace, tls, apiKeyFile } = settings;
  return findingsOf('temporal', `check temporal.address (${address}), temporal.tls and the server`, async () => {
    const { version, hasNamespace } = await inspectTemporal(settings);
    const isTls = tls !== undefined || apiKeyFile !== undefined;
    const found = `Temporal ${version} at ${address}, ${isTls ? 'with TLS' : 'no TLS'}, namespace ${namespace}`;
    if (hasNamespace) return [ok('temporal', found)];
    const remedy = `temporal operator namespace create ${namespace}`;
    return [failed('temporal', `${found}, which does not exist`, remedy)];
  });
}
