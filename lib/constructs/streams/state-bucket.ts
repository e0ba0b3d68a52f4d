import { Construct } from 'constructs';
import * as nack from '../../../imports/jetstream.nats.io';
import { dataAnnotations, metadata, SyncWave } from '../metadata';

export interface StateBucketProps {
  /** Name of the Kubernetes object. */
  readonly name: string;
  readonly bucket: string;
  readonly replicas: number;
  readonly onDelete: 'keep' | 'delete';
  /** All flows use the bucket: the settings of the first one hold, and the bucket is never deleted. */
  readonly isShared?: true;
  /** Name of the NACK `Account` that NACK logs in with; default: NACK's own login. */
  readonly account?: string;
}

/** A bucket of small values, a NACK `KeyValue`: the progress of a flow, or the schemas that all flows share. */
export class StateBucket extends Construct {
  constructor(scope: Construct, id: string, { name, bucket, replicas, onDelete, isShared, account }: StateBucketProps) {
    super(scope, id);
    const isKept = isShared === true || onDelete === 'keep';
    new nack.KeyValue(this, 'Resource', {
      metadata: metadata(SyncWave.Streams, { name, annotations: dataAnnotations(isKept ? 'keep' : 'delete') }),
      spec: {
        ...(account === undefined ? {} : { account }),
        bucket,
        history: 1,
        storage: nack.KeyValueSpecStorage.FILE,
        replicas,
        preventDelete: isKept,
        ...(isShared === true ? { preventUpdate: true } : {}),
      },
    });
  }
}
