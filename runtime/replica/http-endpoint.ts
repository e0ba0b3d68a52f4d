import { renameSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConfigError } from '../../lib/errors';
import type { LogLevel } from '../engine/ports/host';
import type { ReplicaHealth } from './replica-health';
import type { ReplicaMetrics } from './replica-metrics';

export interface HttpEndpointProps {
  readonly host: string;
  /** 0 is any free port. */
  readonly port: number;
  /** A file to which the port is written, atomically, once the server listens. */
  readonly portFile?: string;
  readonly health: ReplicaHealth;
  /** Without metrics, /metrics responds with 404. */
  readonly metrics?: ReplicaMetrics;
  readonly log: (level: LogLevel, text: string) => void;
}

interface Page {
  readonly status: number;
  readonly text: string;
  readonly type?: string;
}

/** Serves /livez and /readyz to Kubernetes, and /metrics to Prometheus. */
export class HttpEndpoint {
  private readonly pages: ReadonlyMap<string, () => Page | Promise<Page>>;
  private readonly server: Server;

  private constructor(private readonly props: HttpEndpointProps) {
    const { health, metrics } = props;
    this.pages = new Map<string, () => Page | Promise<Page>>([
      ['/livez', () => probePage(health.whyNotAlive())],
      ['/readyz', () => probePage(health.whyNotReady())],
      ...(metrics === undefined ? [] : [['/metrics', () => metricsPage(metrics)] as const]),
    ]);
    this.server = createServer((request, response) => void this.answer(request, response));
  }

  /** Resolves when the server listens. Throws ConfigError, which names the port, when it cannot. */
  static async open(props: HttpEndpointProps): Promise<HttpEndpoint> {
    const endpoint = new HttpEndpoint(props);
    await endpoint.listen();
    return endpoint;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Closes every connection; resolves when the port is free. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  private async listen(): Promise<void> {
    const { host, port, portFile, log } = this.props;
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', (cause) => reject(refusalOf(host, port, cause)));
      this.server.listen(port, host, resolve);
    });
    if (portFile !== undefined) {
      writeFileSync(`${portFile}.new`, String(this.port));
      renameSync(`${portFile}.new`, portFile);
    }
    this.server.on('error', (error) => log('WARNING', `HTTP on port ${port}: ${error.message}`));
  }

  private async answer({ method, url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, text, type = 'text/plain; charset=utf-8' } = await this.pageOf(method, url);
    const allow = status === 405 ? { allow: 'GET, HEAD' } : {};
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', ...allow }).end(text);
  }

  private async pageOf(method: string | undefined, url: string): Promise<Page> {
    const page = this.pages.get(url.replace(/\?.*/, ''));
    if (page === undefined) return { status: 404, text: 'not found\n' };
    if (method !== 'GET' && method !== 'HEAD') return { status: 405, text: 'method not allowed: use GET or HEAD\n' };
    try {
      return await page();
    } catch (error) {
      return { status: 500, text: `${error}\n` };
    }
  }
}

function probePage(whyNot: string | undefined): Page {
  return whyNot === undefined ? { status: 200, text: 'ok\n' } : { status: 503, text: `${whyNot}\n` };
}

async function metricsPage(metrics: ReplicaMetrics): Promise<Page> {
  return { status: 200, text: await metrics.text(), type: metrics.contentType };
}

function refusalOf(host: string, port: number, cause: NodeJS.ErrnoException): ConfigError {
  const why = cause.code === 'EADDRINUSE' ? 'the port is in use' : cause.message;
  const message = `KFLOW_HTTP_PORT: cannot listen on ${host}:${port}: ${why}; set another port`;
  return new ConfigError('config-invalid', message, { cause });
}
