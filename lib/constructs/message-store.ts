import { Construct } from 'constructs';
import type { FunctionSpec } from '../plan/function-spec';

export interface MessageStoreProps {
  readonly store: NonNullable<FunctionSpec['messageStore']>;
}

/**
 * Where a function's large messages lie: a part of a bucket, outside the cluster, so there is no object of its own. The
 * annotation on the workload tells people and clean-up tools what belongs to it; the controller purges it with the flow.
 */
export class MessageStore extends Construct {
  readonly annotations: { readonly [name: string]: string };

  constructor(scope: Construct, id: string, { store }: MessageStoreProps) {
    super(scope, id);
    this.annotations = { 'kflow.io/message-store': `s3a://${store.bucket}/${store.prefix} at ${store.addr}` };
  }
}
