import type { Sink, SinkRecord, WriteOutcome } from '../../engine/ports/sink';
import type { SinkConnector, SinkContext, SubjectEndpoint } from '../connector';
import { RecordIds } from '../record-ids';

/**
 * Publishes records as JSON on a subject, with their trace contexts.
 *
 * I1. The id of a message is the record's id, and the epoch of a re-read: a stream drops a redelivered record within its
 *     dedupe window, and takes the records of a replay as new messages.
 */
class NatsSink implements Sink {
  readonly batchSize = 500;
  readonly concurrentWrites = 2;
  private readonly ids: RecordIds;

  constructor(private readonly context: SinkContext<SubjectEndpoint>) {
    this.ids = new RecordIds(context);
  }

  write(records: readonly SinkRecord[]): Promise<readonly WriteOutcome[]> {
    const { server, topics } = this.context.endpoint;
    const { epoch } = this.context.spec;
    const suffix = epoch === undefined ? '' : `@${epoch}`;
    const messageOf = (record: SinkRecord) => ({
      id: `${this.ids.of(record)}${suffix}`,
      payload: Buffer.from(record.json()),
      trace: record.trace,
    });
    return server.publish(topics, records.map(messageOf)); // I1
  }

  close(): Promise<void> {
    return this.context.endpoint.server.close();
  }
}

export const connector: SinkConnector<SubjectEndpoint> = {
  open: async (context) => new NatsSink(context),
};
