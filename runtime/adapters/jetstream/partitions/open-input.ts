import type { JetStreamManager, NatsConnection } from 'nats';
import type { FunctionSpec } from '../../../../lib/plan/function-spec';
import { type ConsumerRef, ownConsumersOf } from '../../../../lib/plan/partitions';
import type { AckLedger } from '../ack-ledger';
import { MessagePuller } from '../message-puller';
import { PartitionedInput } from './partitioned-input';

interface InputProps {
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly acks: AckLedger;
  readonly spec: Pick<FunctionSpec, 'ackWaitMs' | 'replicas'>;
  /** Number of this replica. */
  readonly replica: number;
}

/** A consumer that a replica reads. */
export type OwnConsumer = ConsumerRef & { readonly puller: MessagePuller };

/** An input of a replica, and the consumers that the replica reads there. */
export interface OpenInput {
  readonly source: MessagePuller | PartitionedInput;
  readonly consumers: readonly OwnConsumer[];
}

export function openInput(input: FunctionSpec['inputs'][number], props: InputProps): OpenInput {
  const { connection, manager, acks, spec, replica } = props;
  const own = ownConsumersOf(input, { replica, replicas: spec.replicas });
  const consumers = own.map((consumer) => ({ ...consumer, puller: new MessagePuller(connection, acks, consumer) }));
  const [first] = consumers;
  const isWhole = first !== undefined && first.partition === undefined;
  return { source: isWhole ? first.puller : new PartitionedInput(manager, consumers, spec.ackWaitMs), consumers };
}
