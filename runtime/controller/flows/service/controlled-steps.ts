import { randomUUID } from 'node:crypto';
import { StateError } from '../../../../lib/errors';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import type { FlowStatus } from '../../../api-contract/flow-status';
import type { SimulateRequest, Step, StepList, Steps } from '../../../api-contract/steps';
import { StepDesk } from '../../../steps/step-desk';
import type { StepStores } from '../../ports/streams';
import type { FlowPlanner } from '../documents/flow-planner';
import type { FlowSteps, StepName, StepRequester } from '../ports/flow-steps';
import type { FlowStore } from '../ports/flow-store';
import type { FlowWorkflowClient } from './flow-workflow-client';

export interface ControlledStepsProps {
  readonly store: FlowStore;
  readonly client: Pick<FlowWorkflowClient, 'describe'>;
  readonly statuses: { of(flow: FlowKey): Promise<FlowStatus> };
  readonly planner: Pick<FlowPlanner, 'plan'>;
  readonly stepStores: StepStores;
}

/** How long a request waits for a result. */
const waitMs = 30_000;

/** The steps of the controller's flows. Every change is in the audit log. */
export class ControlledSteps implements FlowSteps {
  constructor(private readonly props: ControlledStepsProps) {}

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

  private async change<T>(
    flow: FlowKey,
    { what, of, by }: { readonly what: string; readonly of: StepName; readonly by: StepRequester },
    act: (desk: StepDesk) => Promise<T>,
  ): Promise<T> {
    const result = await this.at(flow, act);
    const at = new Date().toISOString();
    const message = `${of.function}: ${of.name}`;
    await this.props.store.addEvent({ ...flow, ...by, id: randomUUID(), at, kind: 'audit', what, message });
    return result;
  }

  private async at<T>(flow: FlowKey, act: (desk: StepDesk) => Promise<T>): Promise<T> {
    const { store, client, statuses, planner, stepStores } = this.props;
    const [record, view] = await Promise.all([store.record(flow), client.describe(flow)]);
    const digest = view?.memo?.digest ?? record?.revisions.at(-1)?.digest;
    if (digest === undefined || digest === '') {
      await statuses.of(flow); // throws flow-missing
      throw new StateError('state-invalid', `${flowName(flow)} has no document yet; try again`);
    }
    const plan = await planner.plan(flow, digest, record?.epochs ?? {});
    const stores = stepStores.open(plan);
    try {
      return await act(new StepDesk({ plan, open: stores.of, waitMs }));
    } finally {
      await stores.close();
    }
  }
}
