import type { Delivery, DeliverySource } from '../engine/ports/delivery';
import type { RunningTask } from './running-task';
import type { TaskIntake } from './task-intake';

/** The input of a record loop: the tasks that the intake hands over. It has no demand of its own, for the intake counts slots. */
export class LoopInput implements DeliverySource {
  private onDelivery: ((delivery: Delivery) => void) | undefined;

  start(onDelivery: (delivery: Delivery) => void): void {
    this.onDelivery = onDelivery;
  }

  demand(): void {}

  stop(): void {
    this.onDelivery = undefined;
  }

  /** Delivers a task as a message with the payload. */
  deliver(task: RunningTask, payload: Uint8Array, intake: Pick<TaskIntake, 'acked' | 'giveBack'>): void {
    if (this.onDelivery === undefined) {
      intake.giveBack(task, 0);
      return;
    }
    const { deliveries, handle, traceparent, tracestate } = task.delivery;
    this.onDelivery({
      ...task.place,
      deliveries,
      handle,
      payload,
      ...(traceparent === undefined ? {} : { traceparent }),
      ...(tracestate === undefined ? {} : { tracestate }),
      ack: () => intake.acked(task),
      nak: (delayMs) => intake.giveBack(task, delayMs),
      working: () => task.delivery.working(),
    });
  }
}
