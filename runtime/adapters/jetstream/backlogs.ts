import type { JetStreamManager } from 'nats';
import type { FunctionSpec } from '../../../lib/plan/function-spec';
import { consumersOf } from '../../../lib/plan/partitions';

/** By input stream: the records that are not delivered, or delivered and not acked, to any replica of the function. */
export async function readBacklogs(
  manager: JetStreamManager,
  { inputs }: Pick<FunctionSpec, 'inputs'>,
): Promise<ReadonlyMap<string, number>> {
  const backlogs = inputs.map(async (input) => {
    const consumers = consumersOf(input).map(({ stream, durable }) => manager.consumers.info(stream, durable));
    const infos = await Promise.all(consumers);
    return [input.stream, infos.reduce((sum, info) => sum + info.num_pending + info.num_ack_pending, 0)] as const;
  });
  return new Map(await Promise.all(backlogs));
}
