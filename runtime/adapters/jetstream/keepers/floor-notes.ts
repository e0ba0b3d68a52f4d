import type { JetStreamManager } from 'nats';
import type { InputNote } from '../../../engine/drift/input-drift';
import { readKey } from '../read-run';

/** A durable consumer of a stream. */
interface ConsumerRef {
  readonly stream: string;
  readonly durable: string;
}

/** The key of a reader's position in the flow's state bucket. */
export function floorKey({ stream, durable }: ConsumerRef): string {
  return `floor.${stream}.${durable}`;
}

/** A reader's last noted position; undefined when there is none. */
export async function readFloorNote(
  manager: JetStreamManager,
  stateBucket: string,
  consumer: ConsumerRef,
): Promise<InputNote | undefined> {
  const text = await readKey(manager, stateBucket, floorKey(consumer));
  return text === undefined ? undefined : (JSON.parse(text) as InputNote);
}
