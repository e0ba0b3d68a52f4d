import type { FlowKey } from '../../../api-contract/flow-key';
import type { SimulateRequest, Step, StepList, Steps } from '../../../api-contract/steps';

/** Who moves records, and why. */
export interface StepRequester {
  readonly by: string;
  readonly comment?: string;
}

/** A function, and the name of an object in its folder. */
export interface StepName {
  readonly function: string;
  readonly name: string;
}

/**
 * The operations of the API on flows that run step by step. Each that runs something waits for the result for half a minute; the
 * step is then `waiting`. Throws StateError `flow-missing`, `step-missing`, and `state-invalid` for a flow that does not run step
 * by step; ConfigError `edge-unknown`, and `setting-invalid` for records that do not fit.
 */
export interface FlowSteps {
  list(flow: FlowKey): Promise<StepList>;
  show(flow: FlowKey, of: StepName): Promise<Step>;
  /** Puts records, or what is there once more. */
  step(
    flow: FlowKey,
    of: StepName & { readonly records?: readonly unknown[] },
    requester: StepRequester,
  ): Promise<Step>;
  edit(flow: FlowKey, of: StepName & { readonly records: readonly unknown[] }, requester: StepRequester): Promise<Step>;
  /** Hands the outputs on to the functions that read them. */
  next(flow: FlowKey, of: StepName, requester: StepRequester): Promise<Steps>;
  runTo(flow: FlowKey, of: StepName & { readonly to: string }, requester: StepRequester): Promise<Steps>;
  drop(flow: FlowKey, of: StepName, requester: StepRequester): Promise<void>;
  simulate(flow: FlowKey, request: SimulateRequest, requester: StepRequester): Promise<Step>;
}
