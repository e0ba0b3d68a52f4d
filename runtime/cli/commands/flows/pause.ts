import { defineCommand } from '../../frame/command';
import { changeOptions, controllerDetails, functionsOption, jobArgument } from '../../frame/shared-options';

export const pause = defineCommand({
  name: 'pause',
  summary: 'pause a flow, or some of its functions, without losing records',
  details: controllerDetails,
  arguments: { job: jobArgument },
  options: { function: functionsOption, ...changeOptions },
  async run({ job, function: functions, ...options }) {
    const { changeFlow, requested } = await import('../../flows/change-flow.js');
    const { paused } = await import('../../flows/condition.js');
    return changeFlow(job, options, {
      send: (client, flow) => client.change(flow, 'pause', { functions }),
      accepted: requested('pause', functions),
      condition: paused(functions),
    });
  },
});
