import type { NatsAccess } from '../../../../lib/plan/nats-access';
import { connectNats, openOver } from '../access/connect-nats';
import { outageStatuses } from '../access/outage-statuses';
import { JetStreamTaskLinks } from './task-links';

export interface OpenTaskLinks {
  readonly links: JetStreamTaskLinks;
  close(): Promise<void>;
}

/** How long the first connection is tried. */
const connectMs = 10_000;

/** Connects to nats for one task namespace. `warn` gets what keeps the connection from coming back. Throws as `connectNats` does. */
export async function openTaskLinks(
  access: NatsAccess,
  place: Parameters<typeof JetStreamTaskLinks.open>[1],
  warn: (text: string) => void,
): Promise<OpenTaskLinks> {
  const connection = await connectNats(access, `kflow tasks ${place.taskNamespace}`, { trouble: warn }, connectMs);
  const links = await openOver(connection, () => JetStreamTaskLinks.open(connection, place, warn));
  void reconnect();
  return {
    links,
    close: async () => {
      links.close();
      await connection.close();
    },
  };

  async function reconnect(): Promise<void> {
    for await (const { type } of outageStatuses(connection.status())) {
      if (type === 'reconnect') links.reconnected();
      else if (type === 'disconnect') links.disconnected();
    }
  }
}
