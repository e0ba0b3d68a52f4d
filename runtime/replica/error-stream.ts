import { hostname } from 'node:os';
import { SideStreamPublisher } from '../adapters/jetstream/publishing/side-stream-publisher';
import type { HeldRecord } from '../engine/held-records';
import type { Failure } from '../engine/ports/host';
import { ErrorStream } from '../engine/side-stream/error-stream';
import type { ReplicaContext } from './replica-context';

/** How long a replica that ends still sends errors; when it is stopped, its time is limited. */
const closeMs = { ended: 5_000, stopped: 1_000 };

/** The error side stream of the function, if it has one. */
export function openErrorStream({
  spec,
  environment,
  links,
  errorCounts,
  log,
  stop,
}: ReplicaContext): { report(record: HeldRecord, failure: Failure): void; close(): Promise<void> } | undefined {
  const { sideStream } = spec;
  if (sideStream === undefined) return undefined;
  const { addr, topics } = sideStream;
  const publisher = new SideStreamPublisher({
    own: { connection: links.connection, access: environment.nats },
    ...(addr === undefined ? {} : { addr }),
    ...(environment.sideStreamCredentials === undefined ? {} : { credentials: environment.sideStreamCredentials }),
    topics,
    creates: environment.createsSideStreams,
    name: `${spec.namespace}/${spec.jobId}/${spec.function}-${environment.replica}, errors`,
    warn: (text) => log('WARNING', `error side stream: ${text}`),
  });
  const podName = hostname();
  const stream = new ErrorStream({
    spec,
    topics,
    podName,
    publisher,
    schemas: links.schemas,
    counts: errorCounts,
    log,
  });
  return {
    report: (record, failure) => stream.report(record, failure),
    close: async () => {
      await stream.close(stop.aborted ? closeMs.stopped : closeMs.ended);
      await publisher.close();
    },
  };
}
