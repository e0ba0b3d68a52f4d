import { Construct } from 'constructs';
import * as nack from '../../../imports/jetstream.nats.io';
import { dataAnnotations, metadata, SyncWave } from '../metadata';

export interface StateBucketProps {
  /** Name of the Kubernetes object. */
  readonly name: string;
  readonly bucket: string;
  readonly replicas: number;
  readonly onDelete: 'keep' | 'delete';
  /** Name of the NACK `Account` that NACK logs in with; default: NACK's own login. */
  readonly account?: string;
}

/** A bucket of small values, a NACK `KeyValue`: the progress and the schemas of a flow. */
export class StateBucket extends Construct {
  constructor(scope: Construct, id: string, { name, bucket, replicas, onDelete, account }: StateBucketProps) {
    super(scope, id);
    new nack.KeyValue(this, 'Resource', {
      metadata: metadata(SyncWave.Streams, { name, annotations: dataAnnotations(onDelete) }),
      spec: {
        ...(account === undefined ? {} : { account }),
        bucket,
        history: 1,
        storage: nack.KeyValueSpecStorage.FILE,
        replicas,
        preventDelete: onDelete === 'keep',
      },
    });
  }
}
