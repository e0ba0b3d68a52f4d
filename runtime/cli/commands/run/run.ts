import { defineCommand, flagOf } from '../../frame/command';
import { usageError } from '../../frame/exit-status';
import { setOption, topologyFile } from '../../frame/shared-options';
import {
  durationMs,
  flag,
  jsonValue,
  keyValue,
  listOption,
  negatedFlag,
  option,
  percent,
  text,
  wholeNumber,
} from '../../frame/values';

const heading = 'Task flows:';

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

const directoryMap = keyValue('NAME=DIR, a bucket and a directory');

export const run = defineCommand({
  name: 'run',
  summary: 'run a topology or a task flow on this machine, in the foreground',
  details: `A FILE.flow is a task flow: it runs on the stack of kflow up in this folder, or on
one that is started for the time of the run, and its output is written to
stdout. The workers of its tasks are those that run there, and those of --worker.
With --simulate, nothing is started: each task passes its input on (before a map,
as a list), and approvals are given.

Starts the servers that the topology needs, and removes streams and buckets
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
    input: option('<json>', 'input of the task flow: JSON, or @FILE (default: {})', { parse: jsonValue, heading }),
    worker: listOption('<file>', 'start the task workers of this topology for the run; repeatable', {
      parse: text,
      heading,
    }),
    simulate: flag('no servers and no workers: each task passes its input on', { heading }),
    delay: option('<duration>', 'with --simulate: how long each attempt takes (default: 0)', {
      parse: durationMs({ isZeroFine: true }),
      heading,
    }),
    failures: option('<percent>', 'with --simulate: share of attempts that fail (default: 0)', {
      parse: percent,
      heading,
    }),
    seed: option('<number>', 'with --simulate: repeats the failures of a run', { parse: wholeNumber(0), heading }),
  },
  async run({ input, worker, simulate, delay, failures, seed, ...options }, context) {
    const { isTaskFlow } = await import('../../documents/load-task-flow.js');
    const flow = { input, worker, simulate, delay, failures, seed };
    const isGiven = (value: unknown) => value !== undefined && value !== false && !isEmpty(value);
    if (isTaskFlow(options.file)) {
      const { file, timeout, embedded, ...ofTopologies } = options;
      const wrong = Object.entries(ofTopologies).find(([, value]) => isGiven(value))?.[0];
      if (wrong !== undefined || !embedded) {
        throw usageError(
          `${embedded ? flagOf(wrong ?? '', {}) : '--no-embedded'} is for topologies; ${file} is a task flow`,
        );
      }
      const { runTaskFlow } = await import('../task-flows/run-task-flow.js');
      return runTaskFlow(file, { ...flow, timeout }, () => context.interrupts());
    }
    const wrong = Object.entries(flow).find(([, value]) => isGiven(value));
    if (wrong !== undefined) throw usageError(`--${wrong[0]} is for task flows, which are files named *.flow`);
    return (await import('./run-topology.js')).runTopology(options, () => context.interrupts());
  },
});
