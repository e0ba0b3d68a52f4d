import type { FlowPlan } from '../../lib/plan/flow-plan';
import type { FlowKey } from '../../runtime/api-contract/flow-key';
import type { SimulateRequest, Step, StepList, Steps } from '../../runtime/api-contract/steps';
import type { FlowSteps, StepName } from '../../runtime/controller/flows/ports/flow-steps';
import type { StepStores } from '../../runtime/controller/ports/streams';
import { StepDesk } from '../../runtime/steps/step-desk';
import { MemoryObjectStore } from './memory-object-store';

/** Stores of steps in memory: one for all flows. */
export class MemoryStepStores implements StepStores {
  readonly store = new MemoryObjectStore();

  open(plan: FlowPlan): ReturnType<StepStores['open']> {
    const buckets = plan.buckets.map(({ bucket }) => this.store.ensureBucket(bucket));
    return { of: () => this.store, close: async () => void (await Promise.all(buckets)) };
  }
}

/** The steps of flows in memory. Nothing runs them, so each object waits. */
export class MemorySteps implements FlowSteps {
  readonly stores = new MemoryStepStores();

  constructor(private readonly planOf: (flow: FlowKey) => FlowPlan) {}

  async list(flow: FlowKey): Promise<StepList> {
    const desk = this.desk(flow);
    return { folders: desk.folders(), steps: await desk.list() };
  }

  async show(flow: FlowKey, of: StepName): Promise<Step> {
    return this.desk(flow).show(of.function, of.name);
  }

  async step(flow: FlowKey, of: StepName & { readonly records?: readonly unknown[] }): Promise<Step> {
    return this.desk(flow).step(of.function, of.name, of.records);
  }

  async edit(flow: FlowKey, of: StepName & { readonly records: readonly unknown[] }): Promise<Step> {
    return this.desk(flow).edit(of.function, of.name, of.records);
  }

  async next(flow: FlowKey, of: StepName): Promise<Steps> {
    return this.desk(flow).next(of.function, of.name);
  }

  async runTo(flow: FlowKey, of: StepName & { readonly to: string }): Promise<Steps> {
    return this.desk(flow).runTo(of.function, of.name, of.to);
  }

  async drop(flow: FlowKey, of: StepName): Promise<void> {
    return this.desk(flow).drop(of.function, of.name);
  }

  async simulate(flow: FlowKey, request: SimulateRequest): Promise<Step> {
    return this.desk(flow).simulate(request);
  }

  private desk(flow: FlowKey): StepDesk {
    const plan = this.planOf(flow);
    return new StepDesk({ plan, open: this.stores.open(plan).of, waitMs: 0 });
  }
}
