import type { ServerEvent } from '../servers/run-server';

/** What happened to a server, in one line for people. */
export function describeServerEvent(event: ServerEvent): string {
  switch (event.type) {
    case 'ended':
      return `${event.server} ended (${event.exit.signal ?? `exit ${event.exit.code}`}); starting it again`;
    case 'restarted':
      return `${event.server} answers again (process ${event.pid})`;
    case 'failed':
      return `${event.server}: ${event.error.message}`;
  }
}
