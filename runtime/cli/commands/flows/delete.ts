import { KFlowError } from '../../../../lib/errors';
import { type FlowKey, flowName } from '../../../api-contract/flow-key';
import { defineCommand } from '../../frame/command';
import { usageError } from '../../frame/exit-status';
import { changeOptions, controllerDetails, jobArgument, yesOption } from '../../frame/shared-options';
import { flag } from '../../frame/values';
import { deleted } from './condition';

export const remove = defineCommand({
  name: 'delete',
  summary: 'delete a flow with its data',
  details: controllerDetails,
  arguments: { job: jobArgument },
  options: {
    force: flag('delete at once, without draining; also deletes a stopped flow'),
    yes: yesOption,
    ...changeOptions,
  },
  async run({ job, force, yes, ...options }) {
    const { changeFlow } = await import('./change-flow.js');
    return changeFlow(job, options, {
      send: async (client, flow) => {
        if (!yes) await assertConfirmed(flow);
        if (force) return client.end(flow, 'force');
        return client.end(flow, 'delete').catch((error) => Promise.reject(withForceHint(error, flow)));
      },
      accepted: 'delete requested',
      condition: deleted,
    });
  },
});

/** Adds the advice that a stopped flow is deleted with --force. */
function withForceHint(error: unknown, flow: FlowKey): unknown {
  if (!(error instanceof KFlowError) || error.code !== 'state-invalid') return error;
  const message = `${error.message}\ndelete the flow with kflow delete --force ${flowName(flow)}`;
  return new KFlowError(error.code, message, { cause: error });
}

async function assertConfirmed(flow: FlowKey): Promise<void> {
  const { confirm } = await import('../../terminal/output.js');
  const isConfirmed = await confirm(`delete ${flowName(flow)} with its streams and documents?`);
  if (isConfirmed === undefined) {
    throw usageError(`--yes is required to delete ${flowName(flow)} with its data when stdin is not a terminal`);
  }
  if (!isConfirmed) throw new KFlowError('state-invalid', 'canceled; nothing was deleted');
}
