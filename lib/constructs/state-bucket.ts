import { Construct } from 'constructs';
import * as nack from '../../imports/jetstream.nats.io';
import { dataAnnotations, metadata, SyncWave } from './metadata';

export interface StateBucketProps {
  /** Name of the Kubernetes object. */
  readonly name: string;
  readonly bucket: string;
  readonly replicas: number;
  readonly onDelete: 'keep' | 'delete';
  /** Other flows have the same bucket: it is as its first flow made it, and it stays. */
  readonly isShared?: true;
}

/** A bucket of small values, as NACK's `KeyValue`: how far a flow has come, or the schemas that all flows share. */
export class StateBucket extends Construct {
  constructor(scope: Construct, id: string, { name, bucket, replicas, onDelete, isShared }: StateBucketProps) {
    super(scope, id);
    const stays = isShared === true || onDelete === 'keep';
    new nack.KeyValue(this, 'Resource', {
      metadata: metadata(SyncWave.Streams, { name, annotations: dataAnnotations(stays ? 'keep' : 'delete') }),
      spec: {
        bucket,
        history: 1,
        storage: nack.KeyValueSpecStorage.FILE,
        replicas,
        preventDelete: stays,
        ...(isShared === true ? { preventUpdate: true } : {}),
      },
    });
  }
}
