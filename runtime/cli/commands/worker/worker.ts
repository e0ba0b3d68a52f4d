import { defineCommand } from '../../frame/command';
import { usageError } from '../../frame/exit-status';
import { setOption } from '../../frame/shared-options';
import { optionalArgument } from '../../frame/values';
import { natsOptions } from './nats-options';

export const worker = defineCommand({
  name: 'worker',
  summary: 'run a task worker on this machine, in the foreground',
  details: `Runs the replicas of the worker document, with the stack of kflow up that is
found from here, or at --nats-url. Ctrl-C lets running tasks end and gives back
the others; a second Ctrl-C ends at once. kflow submit deploys a worker.`,
  arguments: {
    file: optionalArgument({
      name: 'file',
      description: 'worker document: YAML, JSON, or a program that exports a worker',
    }),
  },
  options: {
    set: setOption,
    ...natsOptions,
  },
  async run({ file, ...options }, context) {
    if (file === undefined) {
      throw usageError(
        'which worker document? kflow worker FILE runs the tasks of one; the worker that advances executions is the controller, which kflow up starts',
      );
    }
    return (await import('./run-worker.js')).runWorker({ ...options, file }, () => context.interrupts());
  },
});
