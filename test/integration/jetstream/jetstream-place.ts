import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AckPolicy, DiscardPolicy, type JetStreamManager, type NatsConnection, nanos, type StreamConfig } from 'nats';
import { connectNats } from '../../../runtime/adapters/jetstream/access/connect-nats';
import { JetStreamStreams } from '../../../runtime/adapters/jetstream/jetstream-streams';
import { type NatsServer, startNatsServer } from '../../../runtime/servers/nats-server';
import { closeAfterFile } from '../../support/close-after-file';
import { serverFiles } from '../../support/server-files';
import { waitFor } from '../../support/wait-for';

/** A part of a replica that must know about reconnects. */
export interface Reconnecting {
  reconnected(): void;
}

/** A nats-server of one test file, with a connection and the controller's port to the streams of flows. */
export class JetStreamPlace {
  readonly close = closeAfterFile('a nats-server', async () => {
    await this.connection.close();
    await this.server.stop();
    rmSync(this.folder, { recursive: true, force: true });
  });
  private readonly listeners = new Set<Reconnecting>();
  private reconnects = 0;

  private constructor(
    private readonly folder: string,
    private readonly server: NatsServer,
    readonly connection: NatsConnection,
    readonly manager: JetStreamManager,
    readonly streams: JetStreamStreams,
  ) {
    void this.watch();
  }

  static async start(): Promise<JetStreamPlace> {
    const folder = mkdtempSync(join(tmpdir(), 'kflow-jetstream-'));
    const server = await startNatsServer(serverFiles(folder, 'nats'));
    const connection = await connectNats({ url: server.url }, 'test');
    const manager = await connection.jetstreamManager();
    return new JetStreamPlace(folder, server, connection, manager, await JetStreamStreams.open(connection));
  }

  get url(): string {
    return this.server.url;
  }

  /** Process id of the server; undefined between its exit and its restart. */
  get pid(): number | undefined {
    return this.server.pid();
  }

  onReconnect<T extends Reconnecting>(listener: T): T {
    this.listeners.add(listener);
    return listener;
  }

  /** Creates a stream as for a function's output, on the subject `<name>.out`. */
  async stream(name: string, limits: Partial<StreamConfig> = {}): Promise<void> {
    await this.manager.streams.add({ name, subjects: [`${name}.out`], discard: DiscardPolicy.New, ...limits });
  }

  async consumer(stream: string, durable: string, ackWaitMs = 30_000): Promise<void> {
    const config = { durable_name: durable, ack_policy: AckPolicy.Explicit, max_deliver: -1 };
    await this.manager.consumers.add(stream, { ...config, ack_wait: nanos(ackWaitMs) });
  }

  async fill(stream: string, payloads: readonly (string | Uint8Array)[]): Promise<void> {
    await Promise.all(payloads.map((payload) => this.connection.jetstream().publish(`${stream}.out`, payload)));
  }

  /** Payloads of a stream in order. */
  async payloads(stream: string): Promise<Uint8Array[]> {
    const { state } = await this.manager.streams.info(stream);
    const found: Uint8Array[] = [];
    for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
      found.push((await this.manager.streams.getMessage(stream, { seq })).data);
    }
    return found;
  }

  async texts(stream: string): Promise<string[]> {
    return (await this.payloads(stream)).map((payload) => Buffer.from(payload).toString());
  }

  async count(stream: string): Promise<number> {
    return (await this.manager.streams.info(stream)).state.messages;
  }

  async ackFloor(stream: string, durable: string): Promise<number> {
    return (await this.manager.consumers.info(stream, durable)).ack_floor.stream_seq;
  }

  async ackPending(stream: string, durable: string): Promise<number> {
    return (await this.manager.consumers.info(stream, durable)).num_ack_pending;
  }

  /** Ends the server's process, and waits until it has restarted with the same port and data. */
  async restart(signal: NodeJS.Signals): Promise<void> {
    const { pid, reconnects } = this;
    if (pid !== undefined) process.kill(pid, signal);
    await waitFor('connected again', () => this.reconnects > reconnects);
  }

  private async watch(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (type !== 'reconnect') continue;
      for (const listener of this.listeners) listener.reconnected();
      this.reconnects++;
    }
  }
}
