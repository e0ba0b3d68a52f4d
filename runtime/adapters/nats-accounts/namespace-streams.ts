import type { FlowPlan } from '../../../lib/plan/flow-plan';
import type { FlowKey } from '../../api-contract/flow-key';
import type { FunctionProgress, Rewind, Streams } from '../../controller/ports/streams';
import type { ReplicaReport } from '../../engine/counters';
import type { NamespaceLinks } from './namespace-links';

/** The streams of flows, each in the account of its namespace. */
export class NamespaceStreams implements Streams {
  constructor(private readonly links: NamespaceLinks) {}

  provision(plan: FlowPlan): Promise<void> {
    return this.in(plan, (streams) => streams.provision(plan));
  }

  beginRun(plan: FlowPlan, options?: { readonly continues?: boolean }): Promise<number> {
    return this.in(plan, (streams) => streams.beginRun(plan, options));
  }

  redriving(plan: FlowPlan): Promise<readonly string[]> {
    return this.in(plan, (streams) => streams.redriving(plan));
  }

  markCompleted(plan: FlowPlan): Promise<void> {
    return this.in(plan, (streams) => streams.markCompleted(plan));
  }

  endedFunctions(plan: FlowPlan): Promise<readonly string[]> {
    return this.in(plan, (streams) => streams.endedFunctions(plan));
  }

  reopen(plan: FlowPlan, functions: readonly string[]): Promise<void> {
    return this.in(plan, (streams) => streams.reopen(plan, functions));
  }

  rewind(plan: FlowPlan, rewind: Rewind): Promise<void> {
    return this.in(plan, (streams) => streams.rewind(plan, rewind));
  }

  flushBulks(plan: FlowPlan): Promise<void> {
    return this.in(plan, (streams) => streams.flushBulks(plan));
  }

  progress(plan: FlowPlan): Promise<readonly FunctionProgress[]> {
    return this.in(plan, (streams) => streams.progress(plan));
  }

  remove(plan: FlowPlan): Promise<void> {
    return this.in(plan, (streams) => streams.remove(plan));
  }

  private in<T>({ namespace }: FlowKey, work: (streams: Streams) => Promise<T>): Promise<T> {
    return this.links.use(namespace, ({ streams }) => work(streams));
  }
}

/** The reports of the replicas in the namespaces that are connected; a read of a flow's progress connects its namespace. */
export class NamespaceReports {
  constructor(private readonly links: NamespaceLinks) {}

  of(flow: FlowKey): readonly ReplicaReport[] {
    return this.links.open(flow.namespace)?.reports.of(flow) ?? [];
  }
}
