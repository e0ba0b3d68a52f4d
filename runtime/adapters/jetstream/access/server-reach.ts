import { Events, type NatsConnection } from 'nats';
import { StoreError } from '../../../../lib/errors';
import { pause } from '../../../async/pause';
import { outageStatuses } from './outage-statuses';

/** How long a read waits for a server that was lost, as it is for a moment when it starts again. */
const graceMs = 5_000;

/** Whether the server of a connection is reached: for reads that somebody waits for, who is told at once that it is not. */
export class ServerReach {
  /** Rejects when the grace is over; absent while the server is reached. */
  private outage: Promise<never> | undefined;

  constructor(private readonly connection: NatsConnection) {
    void this.watch();
  }

  /** What the read returns. Throws StoreError `stream-failed` that names the target when the server stays lost. */
  async read<T>(target: string, read: () => Promise<T>): Promise<T> {
    const { outage } = this;
    if (outage === undefined) return read();
    const awaited = outage.catch((cause: Error) => {
      throw new StoreError('stream-failed', `${target}: ${cause.message}`, { cause, where: target });
    });
    return Promise.race([read(), awaited]);
  }

  private async watch(): Promise<void> {
    let back = new AbortController();
    for await (const { type } of outageStatuses(this.connection.status())) {
      if (type === Events.Disconnect) {
        back = new AbortController();
        this.outage = this.lasts(back.signal);
        this.outage.catch(() => undefined); // whoever reads then has it
      } else if (type === Events.Reconnect) {
        back.abort();
        this.outage = undefined;
      }
    }
  }

  private async lasts(back: AbortSignal): Promise<never> {
    const since = new Date().toISOString();
    await pause(graceMs, back);
    if (back.aborted) return new Promise<never>(() => undefined);
    throw new Error(`nats cannot be reached, since ${since}`);
  }
}
