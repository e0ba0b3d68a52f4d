import { StateError } from '../../../../lib/errors';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import { type RunningApi, startApi } from '../../../controller/api/api-server';
import { DeskSteps } from '../../../controller/flows/service/desk-steps';
import type { StepDesk } from '../../../steps/step-desk';

/** The port of a controller, which a run takes if no other process has it. */
const usualPort = 9080;

/** Serves the requests of the API for the steps of a run on this machine, as a controller does. */
export async function startStepApi(flow: FlowKey, desk: StepDesk): Promise<RunningApi> {
  const steps = new DeskSteps({
    open: async (named) => {
      if (flowName(named) !== flowName(flow)) {
        throw new StateError('flow-missing', `there is no flow ${flowName(named)}; this run is ${flowName(flow)}`);
      }
      return { desk, close: async () => undefined };
    },
  });
  const start = (port: number) =>
    startApi({ steps, access: { kind: 'open' }, log: () => undefined, host: '127.0.0.1', port });
  return start(usualPort).catch(() => start(0));
}
