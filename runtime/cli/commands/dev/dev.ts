import { defineCommand, defineFamily } from '../../frame/command';
import { controllerDetails, flowOptions, jobArgument } from '../../frame/shared-options';
import { argument, option, text } from '../../frame/values';

const details = `The flow runs step by step: that of kflow run --dev in this folder, or one of the
controller with globalConfig.devStore.enabled.

${controllerDetails}`;

const step = {
  job: jobArgument,
  function: argument({ description: 'id of a function', completes: 'function' }),
  name: argument({ description: 'name of the object in the folder of the function' }),
} as const;
const options = { comment: option('<text>', 'reason, for the audit log', { parse: text }), ...flowOptions } as const;
const recordOptions = {
  file: option('<file>', 'file with JSON: a record, a list, or one on each line; - reads stdin', { parse: text }),
  records: option('<json>', 'the record, or a list of records', { parse: text }),
  ...options,
} as const;

const list = defineCommand({
  name: 'list',
  summary: 'list the folders of a flow, and what became of the objects in them',
  details,
  arguments: { job: jobArgument },
  options,
  async run(input) {
    return (await import('./run-dev.js')).listSteps(input);
  },
});

const show = defineCommand({
  name: 'show',
  summary: 'show the records of an object, and what the function made of them',
  details,
  arguments: step,
  options,
  async run(input) {
    return (await import('./run-dev.js')).showStep(input);
  },
});

const run = defineCommand({
  name: 'step',
  summary: 'run one function on records, or again on those of an object',
  details,
  arguments: step,
  options: recordOptions,
  async run(input) {
    return (await import('./run-dev.js')).runStep(input);
  },
});

const next = defineCommand({
  name: 'next',
  summary: 'hand the outputs to the next functions, and run these',
  details,
  arguments: step,
  options,
  async run(input) {
    return (await import('./run-dev.js')).nextSteps(input);
  },
});

const runTo = defineCommand({
  name: 'run-to',
  summary: 'run the functions between this one and another, as far as that one',
  details,
  arguments: { ...step, to: argument({ description: 'function to end at', completes: 'function' }) },
  options,
  async run(input) {
    return (await import('./run-dev.js')).runTo(input);
  },
});

const edit = defineCommand({
  name: 'edit',
  summary: 'change the records of an object, and run the function on them',
  details: `Opens the records in the editor of VISUAL or EDITOR without --file and --records.

${details}`,
  arguments: step,
  options: recordOptions,
  async run(input) {
    return (await import('./run-dev.js')).editStep(input);
  },
});

const drop = defineCommand({
  name: 'drop',
  summary: 'remove an object and its result',
  details,
  arguments: step,
  options,
  async run(input) {
    return (await import('./run-dev.js')).dropStep(input);
  },
});

const simulate = defineCommand({
  name: 'simulate',
  summary: 'run a function on what another one has made, or what a source would list',
  details,
  arguments: {
    job: jobArgument,
    function: argument({ description: 'function to run', completes: 'function' }),
    from: argument({ description: 'function or source that is simulated', completes: 'function' }),
    cursor: argument({ description: 'name of its result, or key of an object that the source lists' }),
  },
  options,
  async run(input) {
    return (await import('./run-dev.js')).simulate(input);
  },
});

export const dev = defineFamily({
  name: 'dev',
  summary: 'move single records through a flow that runs step by step',
  commands: [list, show, run, next, runTo, edit, drop, simulate],
});
