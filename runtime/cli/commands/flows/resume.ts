import { defineCommand } from '../../frame/command';
import { changeOptions, controllerDetails, functionsOption, jobArgument } from '../../frame/shared-options';

export const resume = defineCommand({
  name: 'resume',
  summary: 'resume a paused flow, or some of its functions',
  details: controllerDetails,
  arguments: { job: jobArgument },
  options: { function: functionsOption, ...changeOptions },
  async run({ job, function: functions, ...options }) {
    const { changeFlow, requested } = await import('../../flows/change-flow.js');
    const { resumed } = await import('../../flows/condition.js');
    return changeFlow(job, options, {
      send: (client, flow) => client.change(flow, 'resume', { functions }),
      accepted: requested('resume', functions),
      condition: resumed,
    });
  },
});
