import { defineWorker } from 'kflow';

interface Item {
  readonly name: string;
  readonly count: number;
}

/** The tasks of the task namespace `parcel`. */
export const worker = defineWorker({
  worker: 'parcel',
  slots: 4,
  tasks: {
    pack: { run: (_ctx, { name, count }: Item) => `${count} x ${name}` },
    label: {
      run: (_ctx, [payment, parcels]: [{ paid?: string }, string[]]) => ({ paid: payment.paid ?? 'nothing', parcels }),
    },
  },
});
