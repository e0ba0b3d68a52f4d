import { type FunctionSpec, outputsOf } from '../../lib/plan/function-spec';
import { retryRequest } from '../adapters/jetstream/retry-request';
import type { ConnectorContext } from '../connectors/connector';
import type { Counters } from '../engine/counters';
import type { Writer } from '../engine/ports/flow-state';
import type { LogLevel } from '../engine/ports/host';
import type { RecordObserver } from '../engine/ports/record-observer';
import type { ReplicaEnvironment } from './environment';
import type { ReplicaLinks } from './links';
import type { ReplicaHealth } from './replica-health';

/** What the parts of a replica share. */
export interface ReplicaContext {
  readonly spec: FunctionSpec;
  readonly environment: ReplicaEnvironment;
  readonly links: ReplicaLinks;
  readonly counters: Counters;
  readonly health: ReplicaHealth;
  /** Left out: nobody wants to know how long records take. */
  readonly observer?: RecordObserver;
  readonly log: (level: LogLevel, text: string) => void;
  /** Told to stop: finish what runs, take no more. */
  readonly stop: AbortSignal;
}

/** The function as one that ends, and its streams with it. */
export function writerOf({ spec }: ReplicaContext): Writer {
  return { function: spec.function, streams: outputsOf(spec).map((output) => output.stream) };
}

export async function connectorContext(context: ReplicaContext): Promise<ConnectorContext> {
  const { spec, environment, links, log } = context;
  const inputs = await Promise.all(
    spec.inputs.map((input) => retryRequest(() => links.manager.streams.info(input.stream))),
  );
  return {
    spec,
    replica: environment.replica,
    run: await links.state.run(),
    schemas: links.schemas,
    objectStore: (connection) => links.objectStore(connection),
    listed: (ever) => links.state.listed(spec.function, ever, links.publisher),
    position: () => links.state.position(spec.function, environment.replica, links.publisher),
    inputsCreated: inputs.map((info) => new Date(info.created)),
    log,
  };
}

export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
}
