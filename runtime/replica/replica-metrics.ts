import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { FunctionSpec } from '../../lib/plan/function-spec';
import { kindOf } from '../../lib/topology/function-types/function-type';
import type { LetterLevels } from '../adapters/jetstream/letters/letter-levels';
import type { Counters } from '../engine/counters';
import type { RecordObserver } from '../engine/leases/processing-times';
import type { ErrorCounts } from '../engine/side-stream/error-stream';
import { packageVersion } from '../package-root';

/** Upper bounds of the histograms in ms: 0.1 ms to 10 min. */
const buckets = [
  0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000,
  600_000,
];

/** What the connections of a replica have counted. */
interface CountingLinks {
  readonly inputs: readonly { readonly redelivered: number }[];
  readonly publisher: { readonly refused: number };
}

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

  constructor(
    spec: FunctionSpec,
    private readonly counters: Counters,
    errors: ErrorCounts,
  ) {
    const isSource = kindOf(spec.type) === 'source';
    this.registry.setDefaultLabels({ namespace: spec.namespace, flow: spec.jobId, function: spec.function });
    collectDefaultMetrics({ register: this.registry });
    this.counter('events_total', 'Records processed; for a source, records emitted', () =>
      isSource ? counters.out : counters.in,
    );
    this.counter('events_emitted_total', 'Records emitted on the main output', () => counters.out);
    this.counter('events_failed_total', 'Failed attempts', () => counters.failed);
    this.counter('events_dead_total', 'Records moved to the dead letters', () => counters.dead);
    new Gauge({
      name: 'kflow_build_info',
      help: 'Always 1; the label is the version of KFlow',
      labelNames: ['version'],
      registers: [this.registry],
    }).set({ version: packageVersion }, 1);
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
    const levels = lastKnown<LetterLevels>(read, { dead: 0, redriving: 0, oldestSeconds: 0 });
    this.gauge('dead_letters', 'Dead letters of the function', async () => (await levels()).dead);
    this.gauge(
      'dead_letters_redriving',
      'Dead letters that are being processed again',
      async () => (await levels()).redriving,
    );
    this.gauge(
      'dead_letters_oldest_seconds',
      'Age of the oldest dead letter in seconds; 0 without letters',
      async () => (await levels()).oldestSeconds,
    );
  }

  /**
   * Exports the backlog of each input, as `readBacklogs` has it at a scrape: the same for each replica of the function, and the
   * value before while it cannot be read.
   */
  watchLinks(links: CountingLinks, readBacklogs: () => Promise<ReadonlyMap<string, number>>): void {
    const backlogs = lastKnown(readBacklogs, new Map());
    new Gauge({
      name: 'backlog_records',
      help: 'Records of an input stream that the function has not acked, in flight or not delivered',
      labelNames: ['stream'],
      registers: [this.registry],
      async collect() {
        for (const [stream, records] of await backlogs()) this.set({ stream }, records);
      },
    });
    this.counter('redeliveries_total', 'Records received that had been delivered before', () =>
      links.inputs.reduce((sum, { redelivered }) => sum + redelivered, 0),
    );
    this.counter(
      'refusals_total',
      'Times that an output stream, or the destination of a sink, did not take a record, which waits and is written again',
      () => links.publisher.refused + (this.counters.refused ?? 0),
    );
  }

  /** Exports the number of records that the replica holds or, of a source, is storing. */
  watchInFlight(read: () => number): void {
    this.gauge('in_flight_records', 'Records that the replica holds; for a source, those being stored', read);
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

  private gauge(name: string, help: string, read: () => number | Promise<number>): void {
    const collect = async function (this: Gauge) {
      this.set(await read());
    };
    new Gauge({ name, help, registers: [this.registry], collect });
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

/** Reads once for all who ask at the same time; what was read last when it fails, at first `none`. */
function lastKnown<T>(read: () => Promise<T>, none: T): () => Promise<T> {
  let known = none;
  let reading: Promise<T> | undefined;
  return () => {
    reading ??= read()
      .then((found) => {
        known = found;
        return found;
      })
      .catch(() => known)
      .finally(() => {
        reading = undefined;
      });
    return reading;
  };
}
