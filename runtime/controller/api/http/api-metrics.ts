import { collectDefaultMetrics, Histogram, Registry } from 'prom-client';

/** Upper bounds of the histogram in seconds: 1 ms to 30 s. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export interface AnsweredRequest {
  readonly method: string;
  /** The route's path, with the names of its parameters; `none` when there is none. */
  readonly route: string;
  readonly status: number;
}

/** The controller's metrics for Prometheus: its requests, and its process. */
export class ApiMetrics {
  private readonly registry = new Registry();
  private readonly duration = new Histogram({
    name: 'kflow_http_request_duration_seconds',
    help: 'Time from the head of a request to the end of its answer, streams left out, in seconds',
    labelNames: ['method', 'route', 'status'],
    buckets,
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  answered(request: AnsweredRequest, ms: number): void {
    this.duration.observe({ ...request }, ms / 1_000);
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /** All metrics in Prometheus' text format. */
  text(): Promise<string> {
    return this.registry.metrics();
  }
}
