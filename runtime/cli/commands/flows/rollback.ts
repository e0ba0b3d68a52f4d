import { defineCommand } from '../../frame/command';
import { changeOptions, controllerDetails, jobArgument } from '../../frame/shared-options';
import { option, revisionNumber } from '../../frame/values';

export const rollback = defineCommand({
  name: 'rollback',
  summary: 'return a flow to an earlier revision',
  details: controllerDetails,
  arguments: { job: jobArgument },
  options: {
    to: option('<revision>', 'revision (default: the previous one)', { parse: revisionNumber }),
    ...changeOptions,
  },
  async run({ job, to, ...options }) {
    const { changeFlow } = await import('../../flows/change-flow.js');
    return changeFlow(job, options, {
      send: (client, flow) => client.change(flow, 'rollback', to === undefined ? {} : { revision: to }),
      accepted: 'rolled back',
    });
  },
});
