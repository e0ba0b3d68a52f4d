import { rmSync } from 'node:fs';
import type { AvroRecord, Context, Logger } from '../../../../lib/define/sdk';
import { Entry } from '../../framing/frames';
import type { Outbox } from './outbox';
import type { RunningRecord } from './running-record';
import type { Schemas } from './schemas';
import type { Window } from './window';

/** What the contexts of all records share. */
export interface ContextSource {
  readonly meta: Readonly<Record<string, unknown>>;
  readonly functionId: string;
  readonly flowId: string;
  readonly logger: Logger;
  readonly outbox: Outbox;
  readonly schemas: Schemas;
  readonly window: Window;
  /** Requests the acks of the records that have ended and of this one. */
  readonly requestAck: (record: RunningRecord) => void;
}

/** The context of one record. Its functions need no `this`, and do nothing once the record has ended. */
export function contextOf(record: RunningRecord, source: ContextSource): Context & { readonly signal: AbortSignal } {
  const { meta, functionId, flowId, logger } = source;
  const { download, traceParent } = record.received;
  return {
    heartbeat: () => {
      if (record.state === 'running') source.outbox.heartbeat(record.id);
    },
    getDownloaderLocalObjectUrl: () => download?.path ?? null,
    getDownloaderObjectMetadata: () => download?.metadata ?? null,
    requestAck: () => source.requestAck(record),
    flush: (...paths) => {
      for (const each of paths) rmSync(each, { force: true });
    },
    getNewRecord: (side) => (side === undefined ? source.schemas.output : source.schemas.sideOutput(side)).newRecord(),
    toSideStream: (side, output) => sendAside(record, source, { side, output }),
    meta,
    functionId,
    flowId,
    ...(traceParent === '' ? {} : { traceParent }),
    logger,
    get signal() {
      return record.signal;
    },
  };
}

function sendAside(
  record: RunningRecord,
  { schemas, window, outbox, logger }: ContextSource,
  { side, output }: { readonly side: string; readonly output: AvroRecord },
): void {
  const payload = schemas.sideOutput(side).encode(output);
  if (record.state !== 'running') {
    logger.error(`a record for the side output "${side}" came after the end of its input, and was not sent`);
    return;
  }
  window.charge(payload.length);
  outbox.send([{ id: record.id, kind: Entry.OutputWithCredit, side, payload }]);
}
