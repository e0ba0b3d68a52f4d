import { Construct } from 'constructs';
import * as nack from '../../../imports/jetstream.nats.io';
import type { FlowPlan, PlannedStream } from '../../plan/flow-plan';
import { objectName } from '../../plan/names';
import { dataAnnotations, type Labels, metadata, SyncWave } from '../metadata';

export interface OutputStreamProps {
  readonly flow: Pick<FlowPlan, 'namespace' | 'jobId'>;
  readonly stream: PlannedStream;
  /** Name of the object; default: that of a stream of the flow. */
  readonly name?: string;
  /** Name of the NACK `Account` that NACK logs in with; default: NACK's own login. */
  readonly account?: string;
}

/** The stream of a function's main output, a NACK `Stream`. A full stream refuses new messages, so none is discarded unread. */
export class OutputStream extends Construct {
  constructor(scope: Construct, id: string, { flow, stream, name, account }: OutputStreamProps) {
    super(scope, id);
    const writer: Labels = stream.function === undefined ? {} : { 'kflow.io/function': stream.function };
    new nack.Stream(this, 'Resource', {
      metadata: metadata(SyncWave.Streams, {
        name: name ?? objectName(flow, stream.name),
        labels: { 'kflow.io/stream': stream.role, ...writer },
        annotations: dataAnnotations(stream.onDelete),
      }),
      spec: {
        ...(account === undefined ? {} : { account }),
        name: stream.name,
        subjects: [...stream.subjects],
        retention: nack.StreamSpecRetention.LIMITS,
        storage: nack.StreamSpecStorage.FILE,
        discard: nack.StreamSpecDiscard.NEW,
        // without it NACK sets 365 days
        maxAge: '0s',
        maxMsgs: stream.maxMsgs,
        maxBytes: stream.maxBytes,
        replicas: stream.replicas,
        duplicateWindow: `${stream.dedupeWindowMs / 1_000}s`,
        allowDirect: true,
        preventDelete: stream.onDelete === 'keep',
      },
    });
  }
}

/** A stream beside the main outputs: a side output of a function, the dead letters of a flow, or errors. */
export class SideStream extends OutputStream {}
