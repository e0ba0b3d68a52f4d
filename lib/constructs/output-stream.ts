import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import type { PlannedStream } from '../plan/flow-plan';
import { objectName } from './object-name';

export interface OutputStreamProps {
  readonly stream: PlannedStream;
}

/** A planned stream as NACK's `Stream`: what is full refuses, so nothing unread is discarded. */
export class OutputStream extends Construct {
  constructor(scope: Construct, id: string, { stream }: OutputStreamProps) {
    super(scope, id);
    new ApiObject(this, 'Resource', {
      apiVersion: 'jetstream.nats.io/v1beta2',
      kind: 'Stream',
      metadata: { name: objectName(stream.name) },
      spec: {
        name: stream.name,
        subjects: stream.subjects,
        retention: 'limits',
        storage: 'file',
        discard: 'new',
        maxMsgs: stream.maxMsgs,
        maxBytes: stream.maxBytes,
        replicas: stream.replicas,
        duplicateWindow: `${stream.dedupeWindowMs}ms`,
        allowDirect: true,
      },
    });
  }
}
