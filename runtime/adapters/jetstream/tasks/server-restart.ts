import type { KV, NatsConnection } from 'nats';
import { taskWire } from '../../../../lib/plan/task-names';
import { readServer } from '../retry-request';

const key = 'server';

/** What the bucket knows of the server, under `key`. */
interface ServerNote {
  /** New with every start of the server. */
  readonly id: string;
  /** In ms since 1970; absent for the first server that was seen. */
  readonly restartedMs?: number;
}

/**
 * Whether the nats server of a connection was started again so recently that it may store a message twice: a server that starts
 * has forgotten the ids of the messages that were acked before.
 */
export class ServerRestart {
  private forgottenUntilMs = Number.POSITIVE_INFINITY;

  private constructor(
    private readonly connection: NatsConnection,
    private readonly bucket: KV,
  ) {}

  /** The bucket must keep its values. */
  static async of(connection: NatsConnection, bucket: KV): Promise<ServerRestart> {
    const restart = new ServerRestart(connection, bucket);
    await restart.look();
    void restart.watch();
    return restart;
  }

  get isRecent(): boolean {
    return Date.now() < this.forgottenUntilMs;
  }

  private async watch(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (type === 'disconnect') this.forgottenUntilMs = Number.POSITIVE_INFINITY;
      // until a look succeeds, it may be a new server
      else if (type === 'reconnect') this.look().catch(() => undefined);
    }
  }

  private async look(): Promise<void> {
    const id = this.connection.info?.server_id ?? '';
    const entry = await readServer('the nats server', () => this.bucket.get(key));
    const known = entry?.operation === 'PUT' ? entry.json<ServerNote>() : undefined;
    const note = noteOf(id, known);
    if (note !== known) await this.bucket.put(key, JSON.stringify(note));
    const { restartedMs } = note;
    this.forgottenUntilMs = restartedMs === undefined ? 0 : restartedMs + taskWire.dedupeWindowMs;
  }
}

function noteOf(id: string, known: ServerNote | undefined): ServerNote {
  if (known === undefined) return { id };
  return known.id === id ? known : { id, restartedMs: Date.now() };
}
