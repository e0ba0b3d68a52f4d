import type { ServerEvent } from '../../../servers/run-server';

/** An event of a server, on one line for people. */
export function describeServerEvent(event: ServerEvent): string {
  switch (event.type) {
    case 'ended':
      return `${event.server} ended (${event.exit.signal ?? `exit ${event.exit.code}`}); restarting it`;
    case 'restarted':
      return `${event.server} responds again (process ${event.pid})`;
    case 'failed':
      return `${event.server}: ${event.error.message}`;
  }
}
