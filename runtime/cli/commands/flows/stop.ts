import { defineCommand } from '../../frame/command';
import { changeOptions, controllerDetails, jobArgument } from '../../frame/shared-options';

export const stop = defineCommand({
  name: 'stop',
  summary: 'stop a flow but keep its streams and offsets, so that submit can resume it',
  details: controllerDetails,
  arguments: { job: jobArgument },
  options: changeOptions,
  async run({ job, ...options }) {
    const { changeFlow } = await import('../../flows/change-flow.js');
    const { stopped } = await import('../../flows/condition.js');
    return changeFlow(job, options, {
      send: (client, flow) => client.end(flow, 'stop'),
      accepted: 'stop requested',
      condition: stopped,
    });
  },
});
