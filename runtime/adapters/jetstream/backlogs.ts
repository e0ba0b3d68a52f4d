import type { JetStreamManager } from 'nats';
import type { FunctionSpec } from '../../../lib/plan/function-spec';

/** By input stream: the records that are not delivered, or delivered and not acked, to any replica of the function. */
export async function readBacklogs(
  manager: JetStreamManager,
  { inputs }: Pick<FunctionSpec, 'inputs'>,
): Promise<ReadonlyMap<string, number>> {
  const backlogs = inputs.map(async ({ stream, durable }) => {
    const { num_pending: waiting, num_ack_pending: unacked } = await manager.consumers.info(stream, durable);
    return [stream, waiting + unacked] as const;
  });
  return new Map(await Promise.all(backlogs));
}
