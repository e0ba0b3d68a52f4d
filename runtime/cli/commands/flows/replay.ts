import { defineCommand } from '../../frame/command';
import { changeOptions, controllerDetails, jobArgument } from '../../frame/shared-options';
import { option, replayStart, required, text } from '../../frame/values';

export const replay = defineCommand({
  name: 'replay',
  summary: 'make one function re-read records that its input stream still holds',
  details: controllerDetails,
  arguments: { job: jobArgument },
  options: {
    function: required(option('<id>', 'the function', { parse: text, completes: 'function' })),
    from: required(
      option('<start>', 'first, a sequence of the input stream, or a time (2026-01-31T08:00:00Z)', {
        parse: replayStart,
      }),
    ),
    ...changeOptions,
  },
  async run({ job, function: functionId, from, ...options }) {
    const { changeFlow } = await import('../../flows/change-flow.js');
    const { healthy } = await import('../../flows/condition.js');
    return changeFlow(job, options, {
      send: (client, flow) => client.change(flow, 'replay', { function: functionId, from }),
      accepted: `replay of ${functionId} requested`,
      condition: healthy,
    });
  },
});
