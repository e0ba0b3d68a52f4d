import type { Delivery } from '../../runtime/engine/ports/delivery';

/** A delivery whose answers go nowhere. */
export function deliveryOf(facts: Partial<Delivery> = {}): Delivery {
  return {
    stream: 's',
    sequence: 1,
    deliveries: 1,
    timestampMs: 0,
    handle: '',
    payload: new Uint8Array(3),
    ack: () => undefined,
    nak: () => undefined,
    working: () => undefined,
    ...facts,
  };
}
