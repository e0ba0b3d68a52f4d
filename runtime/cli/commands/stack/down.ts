import { defineCommand } from '../../frame/command';
import { yesOption } from '../../frame/shared-options';
import { durationMs, flag, option, text, withDefault } from '../../frame/values';

const timeout = option('<duration>', 'time for replicas to finish their records in flight', {
  parse: durationMs({ isZeroFine: true }),
});

export const down = defineCommand({
  name: 'down',
  summary: 'stop the controller and the servers that kflow up started',
  details: 'Flows continue with the next kflow up.',
  options: {
    directory: option('<dir>', 'directory of the stack (default: the nearest .kflow, here or above)', { parse: text }),
    timeout: { ...withDefault(timeout, 60_000), fallback: '60s' },
    removeData: flag('also remove flows, streams and buckets, after confirmation'),
    yes: yesOption,
  },
  async run(options) {
    return (await import('./end-stack.js')).endStack(options);
  },
});
