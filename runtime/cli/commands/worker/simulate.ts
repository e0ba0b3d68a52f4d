import { defineCommand } from '../../frame/command';
import {
  argumentList,
  durationMs,
  namespaceName,
  option,
  percent,
  text,
  wholeNumber,
  withDefault,
} from '../../frame/values';
import { natsOptions } from './nats-options';

export const simulate = defineCommand({
  name: 'simulate',
  summary: 'simulate the tasks of executions by a random delay, in the foreground',
  details: `A task worker that has every task: it waits for a random time, and passes the
input of the task on (before a map, as a list), or fails. Without names, it takes
the tasks of each task namespace that has no other worker; tasks without a
namespace are in default. Ctrl-C lets running tasks end and gives back the others;
a second Ctrl-C ends at once. kflow run --simulate simulates a task flow without
servers.`,
  arguments: {
    names: {
      ...argumentList({ name: 'name', description: 'task namespace, as mail of mail:send', parse: text }),
      arity: 'any',
    },
  },
  options: {
    waitPeriod: option('<duration>', 'the longest time that a task takes (default: 3s)', {
      parse: durationMs({ isZeroFine: true }),
    }),
    failures: withDefault(option('<percent>', 'share of attempts that fail', { parse: percent }), 0),
    seed: option('<number>', 'draws the times and failures of another run again', { parse: wholeNumber(0) }),
    namespace: withDefault(option('<namespace>', 'namespace of the executions', { parse: namespaceName }), 'default'),
    ...natsOptions,
  },
  async run(options, context) {
    return (await import('./run-simulate.js')).runSimulate(options, () => context.interrupts());
  },
});
