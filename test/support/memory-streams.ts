import { StoreError } from '../../lib/errors';
import type { FlowPlan } from '../../lib/plan/flow-plan';
import { flowName } from '../../runtime/api-contract/flow-key';
import type { Buckets, FunctionProgress, Rewind, Streams } from '../../runtime/controller/ports/streams';
import type { Claim } from '../../runtime/engine/claim';

interface RunState {
  run: number;
  isCompleted: boolean;
  readonly ended: Set<string>;
}

/** `Streams` without records: flows have streams and runs, and every function has processed all of its input. */
export class MemoryStreams implements Streams {
  /** Rewinds so far, with the flow's name. */
  readonly rewinds: (Rewind & { readonly flow: string })[] = [];
  /** Functions whose letters are to be processed again, by the flow's name. */
  readonly letters = new Map<string, readonly string[]>();
  private readonly flows = new Map<string, RunState>();

  async provision(plan: FlowPlan): Promise<void> {
    if (!this.has(plan)) this.flows.set(flowName(plan), { run: 0, isCompleted: true, ended: new Set() });
  }

  async beginRun(plan: FlowPlan, { continues = false }: { readonly continues?: boolean } = {}): Promise<number> {
    const state = this.stateOf(plan);
    if (continues) state.isCompleted = false;
    if (state.isCompleted) {
      state.run += 1;
      state.isCompleted = false;
      state.ended.clear();
    }
    return state.run;
  }

  async markCompleted(plan: FlowPlan): Promise<void> {
    this.stateOf(plan).isCompleted = true;
  }

  async endedFunctions(plan: FlowPlan): Promise<readonly string[]> {
    return [...this.stateOf(plan).ended];
  }

  async reopen(plan: FlowPlan, functions: readonly string[]): Promise<void> {
    for (const id of functions) this.stateOf(plan).ended.delete(id);
  }

  async redriving(plan: FlowPlan): Promise<readonly string[]> {
    this.stateOf(plan);
    return this.letters.get(flowName(plan)) ?? [];
  }

  async rewind(plan: FlowPlan, rewind: Rewind): Promise<void> {
    this.stateOf(plan);
    this.rewinds.push({ flow: flowName(plan), ...rewind });
  }

  async flushBulks(): Promise<void> {}

  async progress(plan: FlowPlan): Promise<readonly FunctionProgress[]> {
    this.stateOf(plan);
    return plan.workloads.map(({ function: id, spec }) => ({
      function: id,
      inputs: spec.inputs.map(({ stream, function: from }) => ({ stream, from, pending: 0, ackPending: 0, acked: 0 })),
      outputs: [],
      dead: 0,
    }));
  }

  async remove(plan: FlowPlan): Promise<void> {
    this.flows.delete(flowName(plan));
  }

  /** Marks a function as ended in the current run. */
  end(plan: FlowPlan, functionId: string): void {
    this.stateOf(plan).ended.add(functionId);
  }

  has(plan: FlowPlan): boolean {
    return this.flows.has(flowName(plan));
  }

  private stateOf(plan: FlowPlan): RunState {
    const state = this.flows.get(flowName(plan));
    if (state === undefined) throw new StoreError('stream-failed', `${flowName(plan)} has no streams`);
    return state;
  }
}

/** Buckets by the flow that uses them. */
export class MemoryBuckets implements Buckets {
  private readonly flows = new Set<string>();

  async ensure(plan: FlowPlan): Promise<void> {
    this.flows.add(flowName(plan));
  }

  async purge(plan: FlowPlan): Promise<void> {
    this.flows.delete(flowName(plan));
  }

  /** The payloads of claims, by key. */
  readonly payloads = new Map<string, Uint8Array>();

  async fetch(_plan: FlowPlan, { key }: Claim): Promise<Uint8Array | undefined> {
    return this.payloads.get(key);
  }

  has(plan: FlowPlan): boolean {
    return this.flows.has(flowName(plan));
  }
}
