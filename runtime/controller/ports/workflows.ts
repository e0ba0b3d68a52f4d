import type { FlowKey } from '../../api-contract/flow-key';
import type { FlowInput, FlowMemo, FlowRequest } from '../flows/ports/flow-request';

/**
 * The workflows of flows. Throws ConfigError `server-failed` when the server does not answer in time.
 */
export interface Workflows {
  /** Throws StateError `flow-exists` when the flow's workflow runs. Gives the run's id. */
  start(input: FlowInput, memo: Omit<FlowMemo, 'runId'>): Promise<string>;
  /**
   * Throws StateError `flow-missing` when it does not run, and `state-invalid` with the reason when it refuses. A request
   * of the same kind and `key` as one that this run of the workflow has had is not done again.
   */
  request(flow: FlowKey, request: FlowRequest, key?: string): Promise<FlowMemo>;
  /** The present or last workflow of a flow; undefined when there is none that the server remembers. */
  describe(flow: FlowKey): Promise<WorkflowView | undefined>;
  /** Those that run, of one namespace or of all; up to a second old. */
  open(namespace?: string): Promise<readonly WorkflowView[]>;
  /** Has a workflow look at its flow; false when it does not run. */
  observed(flow: FlowKey): Promise<boolean>;
  closeAs(flow: FlowKey, close: WorkflowClose): Promise<void>;
  /** Resolves when the server answers. */
  ping(): Promise<void>;
}

/** How a run of a workflow is ended. */
export interface WorkflowClose {
  readonly status: 'Canceled' | 'Terminated';
  readonly reason: string;
  /** Left out: whichever runs. */
  readonly runId?: string;
}

export interface WorkflowView {
  readonly flow: FlowKey;
  readonly isOpen: boolean;
  /** As the server has it. */
  readonly status: 'Running' | 'Completed' | 'Failed' | 'Canceled' | 'Terminated';
  /** Undefined of a workflow that was not started by us. */
  readonly memo: FlowMemo | undefined;
  readonly runId: string;
  /** ISO time. */
  readonly startTime: string;
  readonly closeTime?: string;
  /** Why what it is doing has to be done again, as far as the server knows. */
  readonly trouble?: string;
}
