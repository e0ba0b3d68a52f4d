import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Log } from '../../../log';
import { joinPages } from '../../../metrics-page';
import { packageVersion } from '../../../package-root';
import { serverEventType } from './server-events';

declare module 'fastify' {
  interface FastifyRequest {
    /** Code of the problem in the response, for the log. */
    problemCode: string | null;
  }
}

/** Upper bounds of the histogram in seconds: 1 ms to 30 s. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export interface FinishedRequest {
  readonly method: string;
  /** The route's path with the names of its parameters; `none` if no route matched. */
  readonly route: string;
  readonly status: number;
}

/** The controller's metrics for Prometheus: its requests and its process. */
export class ApiMetrics {
  private readonly registry = new Registry();
  private readonly duration = new Histogram({
    name: 'kflow_http_request_duration_seconds',
    help: 'Time from the headers of a request to the end of its response in seconds, except for streams',
    labelNames: ['method', 'route', 'status'],
    buckets,
    registers: [this.registry],
  });

  /** `ofReplicas` reads the metrics of replicas, which are on the same page. */
  constructor(private readonly ofReplicas?: () => Promise<string>) {
    collectDefaultMetrics({ register: this.registry });
    new Gauge({
      name: 'kflow_build_info',
      help: 'Always 1; the label is the version of KFlow',
      labelNames: ['version'],
      registers: [this.registry],
    }).set({ version: packageVersion }, 1);
  }

  observe(request: FinishedRequest, ms: number): void {
    this.duration.observe({ ...request }, ms / 1_000);
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /** All metrics in Prometheus' text format; without those of the replicas while they cannot be read. */
  async text(): Promise<string> {
    const own = await this.registry.metrics();
    const others = await this.ofReplicas?.().catch(() => undefined);
    return others === undefined ? own : joinPages([{ text: own }, { text: others }]);
  }
}

/** Measures and logs every request: changes at INFO with the caller and the outcome, all others at DEBUG. */
export function watchRequests(app: FastifyInstance, { log, metrics }: { log: Log; metrics: ApiMetrics }): void {
  app.decorateRequest('problemCode', null);
  app.addHook('onRequest', async (request, reply) => {
    const startedMs = performance.now();
    // Fastify's own hook is not called if the client disconnects first, and without it Fastify measures no time.
    reply.raw.once('close', () => {
      const tookMs = performance.now() - startedMs;
      const { method, caller } = request;
      if (!isStream(request, reply)) {
        const route = request.routeOptions.url ?? 'none';
        metrics.observe({ method, route, status: reply.statusCode }, tookMs);
      }
      log(method !== 'GET' && caller !== null ? 'INFO' : 'DEBUG', lineOf(request, reply, tookMs));
    });
  });
}

/** The client decides how long a stream lasts, so its duration is not measured. */
function isStream(request: FastifyRequest, reply: FastifyReply): boolean {
  const { follow } = (request.query ?? {}) as { readonly follow?: unknown };
  return follow === true || reply.getHeader('content-type') === serverEventType;
}

function lineOf(request: FastifyRequest, reply: FastifyReply, tookMs: number): string {
  const { method, url, caller, problemCode } = request;
  const by = caller === null ? '' : ` by ${caller.name}`;
  const took = `in ${Math.round(tookMs)} ms`;
  if (!reply.raw.headersSent) return `${method} ${url}${by}: the client disconnected before the response, ${took}`;
  const outcome = problemCode ?? reply.getHeader('kflow-outcome');
  return `${method} ${url}${by}: ${reply.statusCode}${outcome === undefined ? '' : ` ${outcome}`} ${took}`;
}
