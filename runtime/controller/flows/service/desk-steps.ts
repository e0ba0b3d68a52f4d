import type { FlowKey } from '../../../api-contract/flow-key';
import type { SimulateRequest, Step, StepList, Steps } from '../../../api-contract/steps';
import type { StepDesk } from '../../../steps/step-desk';
import type { FlowSteps, StepName, StepRequester } from '../ports/flow-steps';

/** How long a request waits for a result. */
export const stepWaitMs = 30_000;

/** A move of records. */
interface StepChange {
  readonly what: string;
  readonly of: StepName;
  readonly by: StepRequester;
}

export interface DeskStepsProps {
  /** Opens the desk of a flow. Throws StateError `flow-missing`, and `state-invalid` if the flow does not run step by step. */
  readonly open: (flow: FlowKey) => Promise<{ readonly desk: StepDesk; close(): Promise<void> }>;
  /** Notes a change that was made. */
  readonly note?: (flow: FlowKey, change: StepChange) => Promise<void>;
}

/** The operations of the API on steps, each at the desk of its flow. */
export class DeskSteps implements FlowSteps {
  constructor(private readonly props: DeskStepsProps) {}

  list(flow: FlowKey): Promise<StepList> {
    return this.at(flow, async (desk) => ({ folders: desk.folders(), steps: await desk.list() }));
  }

  show(flow: FlowKey, of: StepName): Promise<Step> {
    return this.at(flow, (desk) => desk.show(of.function, of.name));
  }

  step(flow: FlowKey, of: StepName & { readonly records?: readonly unknown[] }, by: StepRequester): Promise<Step> {
    const what = of.records === undefined ? 'step' : 'put';
    return this.change(flow, { what, of, by }, (desk) => desk.step(of.function, of.name, of.records));
  }

  edit(flow: FlowKey, of: StepName & { readonly records: readonly unknown[] }, by: StepRequester): Promise<Step> {
    return this.change(flow, { what: 'edit', of, by }, (desk) => desk.edit(of.function, of.name, of.records));
  }

  next(flow: FlowKey, of: StepName, by: StepRequester): Promise<Steps> {
    return this.change(flow, { what: 'next', of, by }, (desk) => desk.next(of.function, of.name));
  }

  runTo(flow: FlowKey, of: StepName & { readonly to: string }, by: StepRequester): Promise<Steps> {
    return this.change(flow, { what: 'run-to', of, by }, (desk) => desk.runTo(of.function, of.name, of.to));
  }

  drop(flow: FlowKey, of: StepName, by: StepRequester): Promise<void> {
    return this.change(flow, { what: 'drop', of, by }, (desk) => desk.drop(of.function, of.name));
  }

  simulate(flow: FlowKey, request: SimulateRequest, by: StepRequester): Promise<Step> {
    const of = { function: request.execFnId, name: request.cursor };
    return this.change(flow, { what: 'simulate', of, by }, (desk) => desk.simulate(request));
  }

  private async change<T>(flow: FlowKey, change: StepChange, act: (desk: StepDesk) => Promise<T>): Promise<T> {
    const result = await this.at(flow, act);
    await this.props.note?.(flow, change);
    return result;
  }

  private async at<T>(flow: FlowKey, act: (desk: StepDesk) => Promise<T>): Promise<T> {
    const { desk, close } = await this.props.open(flow);
    try {
      return await act(desk);
    } finally {
      await close();
    }
  }
}
