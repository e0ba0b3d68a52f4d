import { ErrorCode, type NatsConnection, NatsError, headers as newHeaders } from 'nats';
import { areSameServers, type NatsAccess } from '../../../../lib/plan/nats-access';
import { errorStreamOf } from '../../../../lib/plan/plan-error-stream';
import { pause } from '../../../async/pause';
import type { ErrorMessage, ErrorPublisher } from '../../../engine/side-stream/error-stream';
import { connectNats } from '../access/connect-nats';
import { jetStreamOf, managerOf } from '../access/jetstream-api';
import { ensureStream, streamConfig } from '../provision';
import { withTrace } from './with-trace';

export interface SideStreamProps {
  /** The connection of the replica, which is used if the side stream is on the same servers. */
  readonly own: { readonly connection: NatsConnection; readonly access: NatsAccess };
  /** The server of the side stream; default: that of the replica. */
  readonly addr?: string;
  /** Folder of credential files of that server; default: no login. */
  readonly credentials?: string;
  readonly topics: readonly string[];
  /** KFLOW_CREATE_SIDESTREAM: streams that do not exist are created. */
  readonly creates: boolean;
  /** Names the connection. */
  readonly name: string;
  readonly warn: (text: string) => void;
}

const answerMs = 5_000;
const connectMs = 5_000;
const reconnectMs = 5_000;

/** The server of an error side stream. Nothing waits for its connection: until there is one, publishes are refused. */
export class SideStreamPublisher implements ErrorPublisher {
  private connection: NatsConnection | undefined;
  private trouble = 'not connected yet';
  private readonly closing = new AbortController();
  private readonly isOwn: boolean;
  /** Names of streams that were created, or found. */
  private readonly known = new Set<string>();

  constructor(private readonly props: SideStreamProps) {
    const { own, addr } = props;
    this.isOwn = addr === undefined || isAt(addr, own.access);
    if (this.isOwn) this.use(own.connection);
    else void this.connect(addr ?? '');
  }

  maxPayload(): number | undefined {
    return this.connection?.info?.max_payload;
  }

  async publish(subject: string, { id, payload, trace }: ErrorMessage): Promise<void> {
    const { connection, props } = this;
    if (connection === undefined) throw new Error(this.trouble);
    if (connection.isClosed()) throw new Error('the connection is closed');
    if (props.creates) await this.create(connection, subject);
    try {
      const options = { msgID: id, timeout: answerMs, headers: withTrace(newHeaders(), trace) };
      await jetStreamOf(connection).publish(subject, payload, options);
    } catch (error) {
      this.known.delete(errorStreamOf(subject).name); // it may have been removed
      throw new Error(reasonOf(error, subject, props.creates), { cause: error });
    }
  }

  async close(): Promise<void> {
    this.closing.abort();
    if (!this.isOwn) await this.connection?.close();
  }

  /** Connects until it succeeds; then the client reconnects by itself. */
  private async connect(url: string): Promise<void> {
    const { credentials, name, warn } = this.props;
    const { signal } = this.closing;
    while (!signal.aborted) {
      try {
        const access = { url, ...(credentials === undefined ? {} : { credentials }) };
        const connection = await connectNats(access, name, { trouble: warn }, connectMs);
        if (signal.aborted) await connection.close();
        else this.use(connection);
        return;
      } catch (error) {
        this.trouble = (error as Error).message;
        await pause(reconnectMs, signal);
      }
    }
  }

  private use(connection: NatsConnection): void {
    this.connection = connection;
    if (!this.props.creates) return;
    // whoever reads the errors finds the stream before the first one; a failure is repeated, and told, by the first publish
    for (const topic of this.props.topics) this.create(connection, topic).catch(() => undefined);
  }

  private async create(connection: NatsConnection, subject: string): Promise<void> {
    const stream = errorStreamOf(subject);
    if (this.known.has(stream.name)) return;
    await ensureStream(await managerOf(connection), streamConfig(stream));
    this.known.add(stream.name);
  }
}

/** Whether a side stream is at the replica's own servers. An address that is none is reported by the attempt to connect. */
function isAt(addr: string, { url }: NatsAccess): boolean {
  try {
    return areSameServers(addr, url);
  } catch {
    return false;
  }
}

function reasonOf(error: unknown, subject: string, creates: boolean): string {
  const isMissing = error instanceof NatsError && error.code === ErrorCode.NoResponders;
  if (!isMissing) return `${subject}: ${(error as Error).message}`;
  const todo = creates ? '' : `; create the stream ${errorStreamOf(subject).name}, or set KFLOW_CREATE_SIDESTREAM`;
  return `${subject}: no stream has the subject${todo}`;
}
