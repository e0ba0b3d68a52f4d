import { defineCommand } from '../../frame/command';
import { flag, option, port, text, withDefault } from '../../frame/values';

export const up = defineCommand({
  name: 'up',
  summary: 'start a controller with NATS, Temporal and an S3 server on this machine',
  details: 'Data is kept for the next kflow up. Ctrl-C, or kflow down, stops everything.',
  options: {
    detach: flag('run in the background; return when every server responds', { short: '-d' }),
    directory: withDefault(option('<dir>', 'directory for data, logs and addresses', { parse: text }), '.kflow'),
    port: option('<port>', 'port of the API (default: 9080, else a free port; reused by later starts)', {
      parse: port,
    }),
    natsPort: option('<port>', 'port of nats-server (default: a free port, reused by later starts)', { parse: port }),
    temporalPort: option('<port>', 'port of the Temporal server (default: a free port, reused by later starts)', {
      parse: port,
    }),
    s3Port: option('<port>', 'port of the S3 server (default: a free port, reused by later starts)', { parse: port }),
  },
  async run(options, context) {
    return (await import('./run-stack.js')).runStack(options, () => context.interrupts());
  },
});
