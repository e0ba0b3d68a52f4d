import { defineCommand } from '../../frame/command';
import { changeOptions, controllerDetails, functionsOption, jobArgument } from '../../frame/shared-options';
import {
  argumentList,
  functionReplicas,
  option,
  replayStart,
  required,
  revisionNumber,
  text,
} from '../../frame/values';
import { type Condition, healthy, paused, resumed, stopped } from './condition';

interface FunctionsChange {
  readonly name: 'pause' | 'resume' | 'restart';
  readonly summary: string;
  /** The condition of `--wait`. */
  readonly condition: (functions: readonly string[]) => Condition;
}

/** A command that changes a whole flow, or only the functions of `--function`. */
function functionsCommand({ name, summary, condition }: FunctionsChange) {
  return defineCommand({
    name,
    summary,
    details: controllerDetails,
    arguments: { job: jobArgument },
    options: { function: functionsOption, ...changeOptions },
    async run({ job, function: functions, ...options }) {
      const { changeFlow } = await import('./change-flow.js');
      return changeFlow(job, options, {
        send: (client, flow) => client.change(flow, name, { functions }),
        accepted: `${name} requested${functions.length === 0 ? '' : ` (${functions.join(', ')})`}`,
        condition: condition(functions),
      });
    },
  });
}

export const pause = functionsCommand({
  name: 'pause',
  summary: 'pause a flow, or some of its functions, without losing records',
  condition: paused,
});

export const resume = functionsCommand({
  name: 'resume',
  summary: 'resume a paused flow, or some of its functions',
  condition: () => resumed,
});

export const restart = functionsCommand({
  name: 'restart',
  summary: 'restart the replicas of a flow, or of some of its functions',
  condition: () => healthy,
});

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
    const { changeFlow } = await import('./change-flow.js');
    return changeFlow(job, options, {
      send: (client, flow) => client.change(flow, 'scale', { replicas: Object.fromEntries(replicas) }),
      accepted: `scaled to ${replicas.map((each) => each.join('=')).join(' ')}`,
    });
  },
});

export const replay = defineCommand({
  name: 'replay',
  summary: 'make one function re-read records that its input stream still holds',
  details: controllerDetails,
  arguments: { job: jobArgument },
  options: {
    function: required(option('<id>', 'the function that re-reads', { parse: text, completes: 'function' })),
    from: required(
      option('<start>', 'first, a sequence of the input stream, or a time (2026-01-31T08:00:00Z)', {
        parse: replayStart,
      }),
    ),
    ...changeOptions,
  },
  async run({ job, function: functionId, from, ...options }) {
    const { changeFlow } = await import('./change-flow.js');
    return changeFlow(job, options, {
      send: (client, flow) => client.change(flow, 'replay', { function: functionId, from }),
      accepted: `replay of ${functionId} requested`,
      condition: healthy,
    });
  },
});

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
    const { changeFlow } = await import('./change-flow.js');
    return changeFlow(job, options, {
      send: (client, flow) => client.change(flow, 'rollback', to === undefined ? {} : { revision: to }),
      accepted: 'rolled back',
    });
  },
});

export const stop = defineCommand({
  name: 'stop',
  summary: 'stop a flow and keep its streams and offsets; submit resumes it',
  details: controllerDetails,
  arguments: { job: jobArgument },
  options: changeOptions,
  async run({ job, ...options }) {
    const { changeFlow } = await import('./change-flow.js');
    return changeFlow(job, options, {
      send: (client, flow) => client.end(flow, 'stop'),
      accepted: 'stop requested',
      condition: stopped,
    });
  },
});
