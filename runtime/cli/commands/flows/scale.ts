import { defineCommand } from '../../frame/command';
import { changeOptions, controllerDetails, jobArgument } from '../../frame/shared-options';
import { argumentList, functionReplicas } from '../../frame/values';

export const scale = defineCommand({
  name: 'scale',
  summary: 'change the number of replicas of functions',
  details: controllerDetails,
  arguments: {
    job: jobArgument,
    replicas: argumentList({
      name: 'function=n',
      description: 'function and number of replicas, as in map=3',
      completes: 'replicas',
      parse: functionReplicas,
    }),
  },
  options: changeOptions,
  async run({ job, replicas, ...options }) {
    const { changeFlow } = await import('../../flows/change-flow.js');
    return changeFlow(job, options, {
      send: (client, flow) => client.change(flow, 'scale', { replicas: Object.fromEntries(replicas) }),
      accepted: `scaled to ${replicas.map((each) => each.join('=')).join(' ')}`,
    });
  },
});
