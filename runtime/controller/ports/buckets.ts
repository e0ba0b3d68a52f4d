import type { FlowPlan } from '../../../lib/plan/flow-plan';

/** Object store buckets of flows. Throws StoreError `store-failed` when a store does not answer or refuses. */
export interface Buckets {
  /** Makes the buckets that a flow writes to, where they are missing; those of sources too when the store is the embedded one. */
  ensure(plan: FlowPlan): Promise<void>;
  /** Removes what the flow's functions keep in message stores, and nothing else. */
  purge(plan: FlowPlan): Promise<void>;
}
