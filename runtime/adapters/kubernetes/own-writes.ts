import { type FlowKey, flowName } from '../../api-contract/flow-key';

/** Whether something that was written is seen. */
export type IsSeen = () => boolean;

/** What this process has written of flows and has not seen come back yet. */
export class OwnWrites {
  private readonly awaited = new Map<string, readonly IsSeen[]>();

  add(flow: FlowKey, conditions: readonly IsSeen[]): void {
    this.keep(flow, [...(this.awaited.get(flowName(flow)) ?? []), ...conditions]);
  }

  /** Whether everything that was written of a flow is seen. */
  areSeen(flow: FlowKey): boolean {
    const open = (this.awaited.get(flowName(flow)) ?? []).filter((isSeen) => !isSeen());
    this.keep(flow, open);
    return open.length === 0;
  }

  private keep(flow: FlowKey, conditions: readonly IsSeen[]): void {
    if (conditions.length === 0) this.awaited.delete(flowName(flow));
    else this.awaited.set(flowName(flow), conditions);
  }
}
