import { randomUUID } from 'node:crypto';
import { StateError } from '../../../../lib/errors';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import type { FlowStatus } from '../../../api-contract/flow-status';
import { StepDesk } from '../../../steps/step-desk';
import type { StepStores } from '../../ports/streams';
import type { FlowPlanner } from '../documents/flow-planner';
import type { FlowStore } from '../ports/flow-store';
import { DeskSteps, type DeskStepsProps, stepWaitMs } from './desk-steps';
import type { FlowWorkflowClient } from './flow-workflow-client';

export interface ControlledStepsProps {
  readonly store: FlowStore;
  readonly client: Pick<FlowWorkflowClient, 'describe'>;
  readonly statuses: { of(flow: FlowKey): Promise<FlowStatus> };
  readonly planner: Pick<FlowPlanner, 'plan'>;
  readonly stepStores: StepStores;
}

/** The steps of the controller's flows. Every change is in the audit log. */
export function controlledSteps(props: ControlledStepsProps): DeskSteps {
  return new DeskSteps({
    open: (flow) => openDesk(flow, props),
    note: async (flow, { what, of, by }) => {
      const message = `${of.function}: ${of.name}`;
      const at = new Date().toISOString();
      await props.store.addEvent({ ...flow, ...by, id: randomUUID(), at, kind: 'audit', what, message });
    },
  });
}

async function openDesk(flow: FlowKey, props: ControlledStepsProps): ReturnType<DeskStepsProps['open']> {
  const { store, client, statuses, planner, stepStores } = props;
  const [record, view] = await Promise.all([store.record(flow), client.describe(flow)]);
  const digest = view?.memo?.digest ?? record?.revisions.at(-1)?.digest;
  if (digest === undefined || digest === '') {
    await statuses.of(flow); // throws flow-missing
    throw new StateError('state-invalid', `${flowName(flow)} has no document yet; try again`);
  }
  const plan = await planner.plan(flow, digest, record?.epochs ?? {});
  const { of, close } = stepStores.open(plan);
  try {
    return { desk: new StepDesk({ plan, open: of, waitMs: stepWaitMs }), close };
  } catch (error) {
    await close();
    throw error;
  }
}
