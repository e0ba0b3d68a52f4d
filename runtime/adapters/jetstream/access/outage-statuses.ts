import { Events, type Status } from 'nats';

/**
 * The statuses of a connection, in which an outage has one disconnect and one reconnect: the client repeats both for each
 * login that was refused meanwhile.
 */
export async function* outageStatuses(statuses: AsyncIterable<Status>): AsyncGenerator<Status> {
  let isLost: boolean | undefined;
  for await (const status of statuses) {
    const wasLost = isLost;
    if (status.type === Events.Disconnect) isLost = true;
    else if (status.type === Events.Reconnect) isLost = false;
    else yield status;
    if (isLost !== wasLost) yield status;
  }
}
