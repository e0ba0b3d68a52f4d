import type { FlowPlan } from '../../lib/plan/flow-plan';
import type { StepStores } from '../../runtime/controller/ports/streams';
import { MemoryObjectStore } from './memory-object-store';

/** Stores of steps in memory: one for all flows. */
export class MemoryStepStores implements StepStores {
  readonly store = new MemoryObjectStore();

  open(plan: FlowPlan): ReturnType<StepStores['open']> {
    const buckets = plan.buckets.map(({ bucket }) => this.store.ensureBucket(bucket));
    return { of: () => this.store, close: async () => void (await Promise.all(buckets)) };
  }
}
