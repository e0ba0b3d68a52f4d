import { defineCommand } from '../../frame/command';
import { changeOptions, controllerDetails, functionsOption, jobArgument } from '../../frame/shared-options';

export const restart = defineCommand({
  name: 'restart',
  summary: 'restart the replicas of a flow, or of some of its functions',
  details: controllerDetails,
  arguments: { job: jobArgument },
  options: { function: functionsOption, ...changeOptions },
  async run({ job, function: functions, ...options }) {
    const { changeFlow, requested } = await import('../../flows/change-flow.js');
    const { healthy } = await import('../../flows/condition.js');
    return changeFlow(job, options, {
      send: (client, flow) => client.change(flow, 'restart', { functions }),
      accepted: requested('restart', functions),
      condition: healthy,
    });
  },
});
