import type { KFlowError } from '../../lib/errors';
import type { ProcessExit } from '../adapters/processes/guard';

/** An event of a server after its start. */
export type ServerEvent =
  /** The process ended and is being restarted. */
  | { readonly type: 'ended'; readonly server: string; readonly exit: ProcessExit }
  /** The restarted server responds. */
  | { readonly type: 'restarted'; readonly server: string; readonly pid: number }
  /** The server ended too often, or does not respond, and is not restarted. */
  | { readonly type: 'failed'; readonly server: string; readonly error: KFlowError };

/** The event on one line, for people. */
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
