import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

const host = '127.0.0.1';

/** Serves the metrics of all replicas of a run, as one page, at `/metrics` on this machine. */
export class MetricsServer {
  private constructor(private readonly server: Server) {}

  /** Listens on the port, or on a free one if another process has it. */
  static async open(port: number, read: () => Promise<string>): Promise<MetricsServer> {
    const server = createServer((request, response) => {
      if (request.url?.replace(/\?.*/, '') !== '/metrics') {
        response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
        return;
      }
      const type = 'text/plain; version=0.0.4; charset=utf-8';
      read().then(
        (text) => response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' }).end(text),
        (error) => response.writeHead(500, { 'content-type': 'text/plain' }).end(`${error}\n`),
      );
    });
    await listen(server, port).catch(() => listen(server, 0));
    return new MetricsServer(server);
  }

  get url(): string {
    return `http://${host}:${this.port}/metrics`;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
