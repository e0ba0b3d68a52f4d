import { Construct } from 'constructs';
import * as nack from '../../../imports/jetstream.nats.io';
import type { FlowPlan, PlannedConsumer } from '../../plan/flow-plan';
import { objectName } from '../../plan/names';
import { partitionEnding } from '../../plan/partitions';
import { dataAnnotations, metadata, SyncWave } from '../metadata';

export interface StreamConsumerProps {
  readonly flow: Pick<FlowPlan, 'namespace' | 'jobId'>;
  readonly consumer: PlannedConsumer;
  /** Name of the NACK `Account` that NACK logs in with; default: NACK's own login. */
  readonly account?: string;
}

/**
 * A reader's position in a stream, a NACK `Consumer`: a durable pull consumer with explicit acks and no limit on
 * deliveries. It is kept or deleted together with its stream.
 */
export class StreamConsumer extends Construct {
  constructor(scope: Construct, id: string, { flow, consumer, account }: StreamConsumerProps) {
    super(scope, id);
    new nack.Consumer(this, 'Resource', {
      metadata: metadata(SyncWave.Consumers, {
        name: objectName(flow, `${consumer.stream}_${consumer.function}${partitionEnding(consumer)}`),
        labels: { 'kflow.io/function': consumer.function },
        annotations: dataAnnotations(consumer.onDelete),
      }),
      spec: {
        ...(account === undefined ? {} : { account }),
        streamName: consumer.stream,
        durableName: consumer.durable,
        ackPolicy: nack.ConsumerSpecAckPolicy.EXPLICIT,
        deliverPolicy: nack.ConsumerSpecDeliverPolicy.ALL,
        filterSubject: consumer.subject,
        ackWait: `${consumer.ackWaitMs / 1_000}s`,
        maxAckPending: consumer.maxAckPending,
        maxDeliver: -1,
        preventDelete: consumer.onDelete === 'keep',
      },
    });
  }
}
