import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { hostname } from 'node:os';
import { Counter, Gauge, Registry } from 'prom-client';

/** Counts tasks by their path. */
export interface TaskMetrics {
  started(name: string): void;
  ended(name: string, status: 'SUCCESS' | 'FAILED'): void;
}

let current: TaskMetrics = { started: () => undefined, ended: () => undefined };

export function currentMetrics(): TaskMetrics {
  return current;
}

/** From now on, all tasks of this process are counted here. */
export function useMetrics(metrics: TaskMetrics): void {
  current = metrics;
}

/** The gauge `kflow_task_count` and the counter `kflow_task_result_total`, on a page for Prometheus. */
export class PrometheusMetrics implements TaskMetrics {
  private readonly registry = new Registry();
  private readonly count = new Gauge({
    name: 'kflow_task_count',
    help: 'Tasks that were started',
    labelNames: ['name'],
    registers: [this.registry],
  });
  private readonly result = new Counter({
    name: 'kflow_task_result_total',
    help: 'Tasks that have ended',
    labelNames: ['hostname', 'name', 'status'],
    registers: [this.registry],
  });

  private constructor(private readonly server: Server) {}

  /** Serves at an address and a port; 0 is any free port. */
  static async open(address: string, port: number): Promise<PrometheusMetrics> {
    const server = createServer((_, response) => void metrics.answer(response));
    const metrics = new PrometheusMetrics(server);
    server.listen(port, address);
    await once(server, 'listening');
    server.unref();
    return metrics;
  }

  get port(): number {
    const address = this.server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  started(name: string): void {
    this.count.inc({ name });
  }

  ended(name: string, status: 'SUCCESS' | 'FAILED'): void {
    this.result.inc({ hostname: hostname(), name, status });
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  private async answer(response: {
    writeHead(status: number, headers: Record<string, string>): unknown;
    end(text: string): unknown;
  }): Promise<void> {
    const text = await this.registry.metrics();
    response.writeHead(200, { 'content-type': this.registry.contentType });
    response.end(text);
  }
}

/** Serves metrics at KFLOW_METRICS_ADDRESS (0.0.0.0) and KFLOW_METRICS_PORT (8888) if KFLOW_METRICS_ENABLED is `yes`. */
export async function openMetrics(env: NodeJS.ProcessEnv): Promise<void> {
  if (env.KFLOW_METRICS_ENABLED?.toLowerCase() !== 'yes' || current instanceof PrometheusMetrics) return;
  const { KFLOW_METRICS_ADDRESS: address = '0.0.0.0', KFLOW_METRICS_PORT: port = '8888' } = env;
  useMetrics(await PrometheusMetrics.open(address, Number(port)));
}
