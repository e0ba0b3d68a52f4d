import { defineCommand } from '../../frame/command';
import { setOption, topologyFile } from '../../frame/shared-options';
import { durationMs, flag, keyValue, listOption, negatedFlag, option, text } from '../../frame/values';

const directoryMap = keyValue('NAME=DIR, a bucket and a directory');

export const run = defineCommand({
  name: 'run',
  summary: 'run a topology on this machine, in the foreground',
  details: `Starts the servers that the topology needs, and removes streams and buckets
after a successful run. Ctrl-C drains a stream flow; a second Ctrl-C stops
draining.`,
  arguments: { file: topologyFile },
  options: {
    set: setOption,
    bucket: listOption('<name=dir>', 'fill a bucket from a directory before the flow starts; repeatable', {
      parse: directoryMap,
    }),
    save: listOption('<name=dir>', 'copy a bucket into a directory when the flow has ended; repeatable', {
      parse: directoryMap,
    }),
    record: listOption(
      '<edge=file>',
      'write the records of an output, FUNCTION or FUNCTION.SIDE, into a file; repeatable',
      {
        parse: keyValue('EDGE=FILE, an output and a file'),
      },
    ),
    keep: flag('keep streams, state and buckets in .kflow/; the next run with --keep continues from there'),
    dev: flag('step by step: no source and no sink runs, and records move with kflow dev'),
    timeout: option('<duration>', 'end the flow after this long, as in 90s or 5m', { parse: durationMs() }),
    natsCredentials: option(
      '<dir>',
      'with --no-embedded: folder of the credentials of NATS, such as user and password, or nats.creds',
      { parse: text },
    ),
    embedded: negatedFlag('use the addresses in the topology, and NATS at KFLOW_NATS_URL, instead of local servers'),
  },
  async run(options, context) {
    return (await import('./run-topology.js')).runTopology(options, () => context.interrupts());
  },
});
