import { defineCommand } from '../../frame/command';
import { setOption } from '../../frame/shared-options';
import { argument, natsDomain, natsUrls, option, text } from '../../frame/values';

export const worker = defineCommand({
  name: 'worker',
  summary: 'run a task worker on this machine, in the foreground',
  details: `Runs the replicas of the worker document, with the stack of kflow up that is
found from here, or at --nats-url. Ctrl-C lets running tasks end and gives back
the others; a second Ctrl-C ends at once. kflow submit deploys a worker.`,
  arguments: {
    file: argument({ name: 'file', description: 'worker document: YAML, JSON, or a program that exports a worker' }),
  },
  options: {
    set: setOption,
    natsUrl: option('<url>', 'address of NATS (default: that of kflow up, else KFLOW_NATS_URL)', { parse: natsUrls }),
    natsCredentials: option('<dir>', 'folder of the credentials of NATS', { parse: text }),
    natsDomain: option('<name>', 'JetStream domain', { parse: natsDomain }),
  },
  async run(options, context) {
    return (await import('./run-worker.js')).runWorker(options, () => context.interrupts());
  },
});
