import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Passes each new connection to the next of its endpoints, as a Service of Kubernetes does: connections, not requests. */
export class ConnectionBalancer {
  private readonly ports: number[] = [];
  private readonly open = new Set<Socket>();
  private next = 0;

  private constructor(private readonly server: Server) {}

  static async start(): Promise<ConnectionBalancer> {
    const server = createServer((client) => balancer.pass(client));
    const balancer = new ConnectionBalancer(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return balancer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  add(url: string): void {
    this.ports.push(Number(new URL(url).port));
  }

  remove(url: string): void {
    this.ports.splice(this.ports.indexOf(Number(new URL(url).port)), 1);
  }

  async close(): Promise<void> {
    for (const socket of this.open) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private pass(client: Socket): void {
    const port = this.ports[this.next++ % this.ports.length];
    if (port === undefined) {
      client.destroy();
      return;
    }
    const server = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.open.add(from);
      from.once('error', () => to.destroy());
      from.once('close', () => this.open.delete(from));
      from.pipe(to);
    }
  }
}
