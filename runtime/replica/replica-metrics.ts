import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { FunctionSpec } from '../../lib/plan/function-spec';
import { kindOf } from '../../lib/topology/function-types/function-type';
import type { LetterLevels } from '../adapters/jetstream/letters/letter-levels';
import type { Counters } from '../engine/counters';
import type { RecordObserver } from '../engine/processing-times';
import type { ErrorCounts } from '../engine/side-stream/error-stream';

/** Upper bounds of the histograms in ms: 0.1 ms to 10 min. */
const buckets = [
  0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000,
  600_000,
];

/** The metrics of a replica and its process, for Prometheus. Counters are read at each scrape. */
export class ReplicaMetrics implements RecordObserver {
  private readonly registry = new Registry();
  private readonly processing = this.histogram(
    'function_processing_time_ms',
    'Processing time of a record per attempt, in milliseconds',
  );
  private readonly downloading = this.histogram(
    'function_downloading_time_ms',
    "Download time of a record's object per attempt, in milliseconds",
  );
  private readonly total = this.histogram(
    'function_total_time_ms',
    'Processing and download time of a record per attempt, in milliseconds',
  );

  constructor(spec: FunctionSpec, counters: Counters, errors: ErrorCounts) {
    const isSource = kindOf(spec.type) === 'source';
    this.registry.setDefaultLabels({ namespace: spec.namespace, flow: spec.jobId, function: spec.function });
    collectDefaultMetrics({ register: this.registry });
    this.counter('events_total', 'Records processed; for a source, records emitted', () =>
      isSource ? counters.out : counters.in,
    );
    this.counter('events_emitted_total', 'Records emitted on the main output', () => counters.out);
    this.counter('events_failed_total', 'Failed attempts', () => counters.failed);
    this.counter('events_dead_total', 'Records moved to the dead letters', () => counters.dead);
    if (spec.sideStream === undefined) return;
    this.counter('side_stream_errors_total', 'Errors sent to the error side stream', () => errors.sent);
    this.counter(
      'side_stream_errors_dropped_total',
      'Errors that the error side stream did not get: it was away or full for too long',
      () => errors.dropped,
    );
  }

  /**
   * Exports the dead letters of the function, as `read` has them at a scrape: the same for each of its replicas. A scrape during
   * which they cannot be read has the values of the one before.
   */
  watchLetters(read: () => Promise<LetterLevels>): void {
    let levels: LetterLevels = { dead: 0, redriving: 0, oldestSeconds: 0 };
    let reading: Promise<void> | undefined;
    const refresh = () => {
      reading ??= read()
        .then((found) => {
          levels = found;
        })
        .catch(() => undefined)
        .finally(() => {
          reading = undefined;
        });
      return reading;
    };
    const gauge = (name: string, help: string, value: () => number) => {
      const collect = async function (this: Gauge) {
        await refresh();
        this.set(value());
      };
      new Gauge({ name, help, registers: [this.registry], collect });
    };
    gauge('dead_letters', 'Dead letters of the function', () => levels.dead);
    gauge('dead_letters_redriving', 'Dead letters that are being processed again', () => levels.redriving);
    gauge(
      'dead_letters_oldest_seconds',
      'Age of the oldest dead letter in seconds; 0 without letters',
      () => levels.oldestSeconds,
    );
  }

  processed(processingMs: number, downloadMs?: number): void {
    this.processing.observe(processingMs);
    if (downloadMs !== undefined) this.downloading.observe(downloadMs);
    this.total.observe(processingMs + (downloadMs ?? 0));
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /** All metrics in Prometheus' text format. */
  text(): Promise<string> {
    return this.registry.metrics();
  }

  private histogram(name: string, help: string): Histogram.Internal<string> {
    return new Histogram({ name, help, buckets, registers: [this.registry] }).labels();
  }

  private counter(name: string, help: string, read: () => number): void {
    new Counter({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }
}
