import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import type { PlannedConsumer } from '../plan/flow-plan';
import { objectName } from './object-name';

export interface StreamConsumerProps {
  readonly consumer: PlannedConsumer;
}

/** A planned consumer as NACK's `Consumer`: durable, pulled, with explicit acks and no limit of deliveries. */
export class StreamConsumer extends Construct {
  constructor(scope: Construct, id: string, { consumer }: StreamConsumerProps) {
    super(scope, id);
    new ApiObject(this, 'Resource', {
      apiVersion: 'jetstream.nats.io/v1beta2',
      kind: 'Consumer',
      metadata: { name: objectName(`${consumer.stream}_${consumer.durable}`) },
      spec: {
        streamName: consumer.stream,
        durableName: consumer.durable,
        ackPolicy: 'explicit',
        deliverPolicy: 'all',
        filterSubject: consumer.subject,
        ackWait: `${consumer.ackWaitMs}ms`,
        maxAckPending: consumer.maxAckPending,
        maxDeliver: -1,
      },
    });
  }
}
