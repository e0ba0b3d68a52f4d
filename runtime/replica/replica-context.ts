import { hostname } from 'node:os';
import { type FunctionSpec, outputsOf } from '../../lib/plan/function-spec';
import { countersSubject } from '../../lib/plan/names';
import { JetStreamBulkLog } from '../adapters/jetstream/jetstream-bulk-log';
import type { JetStreamFlowState } from '../adapters/jetstream/jetstream-flow-state';
import { readRecentIds } from '../adapters/jetstream/read-ids';
import { RecordReader } from '../adapters/jetstream/record-reader';
import type { SinkContext, SourceContext } from '../connectors/connector';
import type { Counters, ReplicaReport } from '../engine/counters';
import type { RecordObserver } from '../engine/leases/processing-times';
import type { Part, Writer } from '../engine/ports/flow-state';
import type { Host, HostEvents, Log, SchemaSource } from '../engine/ports/host';
import type { Publisher } from '../engine/ports/publisher';
import type { RecordTracer } from '../engine/ports/record-tracer';
import type { ErrorCounts } from '../engine/side-stream/error-stream';
import { createHost } from '../hosts/create-host';
import type { ReplicaEnvironment } from './environment';
import { creationTimes, type ReplicaLinks } from './links';
import type { ReplicaHealth } from './replica-health';
import { resolveEndpoint } from './resolve-endpoint';

const reportEveryMs = 500;

/** What the parts of a replica share. */
export interface ReplicaContext {
  readonly spec: FunctionSpec;
  readonly environment: ReplicaEnvironment;
  readonly links: ReplicaLinks;
  readonly counters: Counters;
  readonly errorCounts: ErrorCounts;
  readonly health: ReplicaHealth;
  /** Without an observer, processing times are not measured. */
  readonly observer?: RecordObserver;
  /** Without a tracer, no spans are recorded. */
  readonly tracer?: RecordTracer | undefined;
  readonly log: Log;
  /** Takes what tells the number of records that the replica holds, or is storing. */
  readonly watchInFlight?: ((read: () => number) => void) | undefined;
  /** Aborted when the replica must stop: finish the records in process, and take no more. */
  readonly stop: AbortSignal;
}

/** Names the replica for people. */
export function replicaName({ spec, environment }: Pick<ReplicaContext, 'spec' | 'environment'>): string {
  return environment.name ?? `${spec.function}-${environment.replica}`;
}

/** Publishes the replica's counters twice a second, and once more when it is stopped. */
export function startCounterReports({
  spec,
  environment,
  links,
  counters,
  log,
}: Pick<ReplicaContext, 'spec' | 'environment' | 'counters' | 'log'> & {
  readonly links: Pick<ReplicaLinks, 'connection'>;
}): { stop(): void } {
  const subject = countersSubject(spec, spec.function);
  const publish = () => {
    const report: ReplicaReport = {
      function: spec.function,
      replica: environment.replica,
      host: hostname(),
      pid: process.pid,
      ...counters,
    };
    try {
      links.connection.publish(subject, JSON.stringify(report));
    } catch (error) {
      log('DEBUG', `the counters were not reported: ${String(error)}`); // closed, or larger than the server takes
    }
  };
  const timer = setInterval(publish, reportEveryMs);
  return {
    stop: () => {
      clearInterval(timer);
      publish();
    },
  };
}

/** The function and the streams that end with it. */
export function writerOf({ spec }: Pick<ReplicaContext, 'spec'>): Writer {
  return {
    function: spec.function,
    streams: outputsOf(spec).map(({ stream }) => stream),
    inputs: spec.inputs.map(({ stream }) => stream),
  };
}

/** The part of the function that this replica is. */
export function partOf({ spec, environment }: Pick<ReplicaContext, 'spec' | 'environment'>): Part {
  return { replica: environment.replica, replicas: spec.replicas };
}

/** The parts of a replica that a host or a connector needs, with the connections that it uses. */
type ReplicaParts<Links> = Pick<ReplicaContext, 'spec' | 'environment' | 'log'> & { readonly links: Links };

/** A host for the function's code. */
export function hostOf(
  { spec, environment, links }: ReplicaParts<{ readonly schemas: SchemaSource }>,
  events: HostEvents,
): Host {
  const { replica, baseDir, isStreaming, env } = environment;
  return createHost({ spec, events, schemas: links.schemas, replica, baseDir, isStreaming, env });
}

interface SourceLinks {
  readonly connection: ReplicaLinks['connection'];
  readonly state: Pick<JetStreamFlowState, 'run' | 'listing' | 'position'>;
  readonly publisher: Publisher;
}

/** `host` runs the code of sources that have code. */
export async function sourceContext(
  { spec, environment, links, log }: ReplicaParts<SourceLinks>,
  host: Pick<Host, 'generate'>,
): Promise<SourceContext> {
  return {
    spec,
    endpoint: resolveEndpoint(spec, { environment, log }),
    log,
    replica: environment.replica,
    run: await links.state.run(),
    listing: (ever) =>
      links.state.listing(
        spec.function,
        { replica: environment.replica, replicas: spec.replicas },
        { ever, publisher: links.publisher },
      ),
    recentIds: () => readRecentIds(links.connection, spec),
    position: () => links.state.position(spec.function, environment.replica, links.publisher),
    generate: () => host.generate(),
  };
}

type SinkLinks = Pick<ReplicaLinks, 'manager' | 'connection' | 'claims' | 'schemas'>;

export async function sinkContext({ spec, environment, links, log }: ReplicaParts<SinkLinks>): Promise<SinkContext> {
  const inputsCreated = await creationTimes(links.manager, spec);
  const reader = new RecordReader({ ...links, spec, log });
  return {
    spec,
    endpoint: resolveEndpoint(spec, { environment, log }),
    log,
    inputsCreated,
    bulkLog: () => JetStreamBulkLog.open({ connection: links.connection, spec, inputsCreated }),
    readAgain: (origin) => reader.read(origin),
  };
}

export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
}
