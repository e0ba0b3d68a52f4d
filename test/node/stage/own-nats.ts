import { type NatsServer, startNatsServer } from '../../../runtime/servers/nats-server';
import { closeAfterFile } from '../../support/close-after-file';
import { serverFiles } from '../../support/server-files';
import { servicesFor } from '../cluster/known-services';
import { hostAddress } from '../cluster/network';
import { apply } from './node';

/** Starts a nats-server for one test file, which pods reach as `nats://nats.nats-<name>.svc:4222`. */
export async function startOwnNats(folder: string, name: string, config = ''): Promise<NatsServer> {
  const nats = await startNatsServer({ ...serverFiles(folder, name), host: hostAddress, config: [config] });
  closeAfterFile(`the nats-server ${name}`, () => nats.stop());
  await apply(servicesFor([{ namespace: `nats-${name}`, name: 'nats', port: 4222, address: nats.url }]));
  return nats;
}

export const ownNatsUrl = (name: string): string => `nats://nats.nats-${name}.svc:4222`;
